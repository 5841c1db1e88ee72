//! The browser's half: WebAssembly, the script that loads it, the styles, and the public files.
//!
//! The site's folder afterwards:
//!
//! ```text
//! output-name                    the name below, for the server
//! pkg/{output name}.{js,wasm,css}   each with .br and .gz beside it
//! favicon.svg ...                what stands in app/public
//! ```
//!
//! The output name carries a hash of all that is under `pkg`, so browsers may keep these files for ever.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    command, compress,
    prepare::{self, WASM_TARGET},
    progress, styles,
    workspace::{Profile, Workspace},
};

/// Counted up when what this file makes of the same input changes.
const FORMAT: &str = "1";
/// The name of what is built, before the hash.
const NAME: &str = "secure-messaging";

/// Builds the site and returns its folder.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    prepare::rust_target(WASM_TARGET)?;
    let module = progress::step("the page's WebAssembly", || compile(workspace, profile))?;
    progress::step("the site", || assemble(workspace, profile, &module))
}

fn compile(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let (name, folder) = match profile {
        Profile::Release => ("wasm-release", "wasm-release"),
        Profile::Dev => ("dev", "debug"),
    };
    command::run(workspace.cargo().args([
        "build",
        "--locked",
        "--package",
        "frontend",
        "--lib",
        "--target",
        WASM_TARGET,
        "--profile",
        name,
    ]))?;
    Ok(workspace.target.join(WASM_TARGET).join(folder).join("frontend.wasm"))
}

fn assemble(workspace: &Workspace, profile: Profile, module: &Path) -> Result<PathBuf> {
    let site = workspace.site(profile);
    let css = styles::bundle(&workspace.root.join("style/main.css"))?;
    let public = files_under(&workspace.root.join("app/public"))?;
    let stamp = stamp(module, &css, &public)?;
    let stamp_file = workspace.target.join(site.file_name().unwrap_or_default()).with_extension("stamp");
    if site.is_dir() && fs::read_to_string(&stamp_file).is_ok_and(|before| before == stamp) {
        progress::say("nothing changed");
        return Ok(site);
    }
    // Everything is made in a folder beside, so that an interrupted build never passes for a finished one.
    let fresh = site.with_extension("new");
    for old in [&fresh, &stamp_file] {
        remove(old)?;
    }
    let pkg = fresh.join("pkg");
    bind(module, &pkg, profile)?;
    fs::write(pkg.join(NAME).with_extension("css"), css)?;
    let output_name = name_by_content(&pkg)?;
    fs::write(fresh.join("output-name"), &output_name)?;
    for (path, file) in &public {
        let to = fresh.join(path);
        fs::create_dir_all(to.parent().unwrap_or(&fresh))?;
        fs::copy(file, to)?;
    }
    if profile == Profile::Release {
        compress_all(&fresh)?;
    }
    remove(&site)?;
    fs::rename(&fresh, &site)?;
    fs::write(stamp_file, stamp)?;
    Ok(site)
}

/// What the site is made from, as one hash.
fn stamp(module: &Path, css: &str, public: &[(PathBuf, PathBuf)]) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(FORMAT);
    hash.update(Sha256::digest(fs::read(module).with_context(|| format!("reading {}", module.display()))?));
    hash.update(Sha256::digest(css));
    for (path, file) in public {
        hash.update(Sha256::digest(path.as_os_str().as_encoded_bytes()));
        hash.update(Sha256::digest(fs::read(file)?));
    }
    Ok(hex(&hash.finalize()))
}

/// Makes the script that loads the module and binds it to the browser's interfaces.
fn bind(module: &Path, pkg: &Path, profile: Profile) -> Result<()> {
    let delivered = profile == Profile::Release;
    Bindgen::new()
        .input_path(module)
        .out_name(NAME)
        .web(true)?
        .typescript(false)
        .remove_name_section(delivered)
        .remove_producers_section(delivered)
        .generate(pkg)?;
    // The page names the module itself, by the name that Leptos gives it.
    fs::rename(pkg.join(format!("{NAME}_bg.wasm")), pkg.join(NAME).with_extension("wasm"))?;
    Ok(())
}

/// Renames what was built to a name that carries the hash of all of it, and returns that name.
fn name_by_content(pkg: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for (_, file) in files_under(pkg)? {
        hash.update(Sha256::digest(fs::read(file)?));
    }
    let name = format!("{NAME}-{}", &hex(&hash.finalize())[..16]);
    for extension in ["js", "wasm", "css"] {
        let from = pkg.join(NAME).with_extension(extension);
        fs::rename(from, pkg.join(format!("{name}.{extension}")))?;
    }
    Ok(name)
}

fn compress_all(site: &Path) -> Result<()> {
    let mut first_load_bytes = 0;
    for (path, file) in files_under(site)? {
        let bytes = compress::beside(&file)?;
        if path.starts_with("pkg") {
            first_load_bytes += bytes;
            progress::say(&format!("{:>8.1} kB  {}", bytes as f64 / 1000.0, path.display()));
        }
    }
    progress::say(&format!("{:>8.1} kB  first load, brotli", first_load_bytes as f64 / 1000.0));
    Ok(())
}

/// All files under a folder, each as its path below it and its whole path, in the order of their paths. A folder that
/// does not exist holds none.
fn files_under(folder: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        if !inner.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&inner)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.strip_prefix(folder)?.to_owned(), path));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn remove(path: &Path) -> Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)?;
    } else if path.exists() {
        fs::remove_file(path)?;
    }
    if path.exists() {
        bail!("{} cannot be removed", path.display());
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
