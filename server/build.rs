//! Puts the site into the binary: the folder that SECURE_MESSAGING_SITE names, as `cargo xtask build` makes it. Without
//! it the server is built without a site, for tests and lints.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

fn main() {
    println!("cargo::rerun-if-env-changed=SECURE_MESSAGING_SITE");
    let code = match env::var_os("SECURE_MESSAGING_SITE") {
        Some(folder) => with_site(Path::new(&folder)),
        None => "pub(super) static OUTPUT_NAME: Option<&str> = None;\nstatic FILES: &[File] = &[];\n".into(),
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("embedded_site.rs"), code).expect("OUT_DIR takes files");
}

fn with_site(folder: &Path) -> String {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files);
    let output_name =
        files.remove("/output-name").expect("SECURE_MESSAGING_SITE names a folder that xtask made");
    let output_name = fs::read_to_string(output_name).expect("the site's output-name is text");

    let mut code = format!("pub(super) static OUTPUT_NAME: Option<&str> = Some({output_name:?});\n");
    code.push_str("static FILES: &[File] = &[\n");
    for (path, file) in &files {
        if path.ends_with(".br") || path.ends_with(".gz") {
            continue;
        }
        let beside = |suffix: &str| match files.get(&format!("{path}{suffix}")) {
            Some(file) => format!("Some(include_bytes!({file:?}))"),
            None => "None".to_owned(),
        };
        writeln!(
            code,
            "File {{ path: {path:?}, plain: include_bytes!({file:?}), brotli: {}, gzip: {} }},",
            beside(".br"),
            beside(".gz")
        )
        .expect("a String takes text");
    }
    code.push_str("];\n");
    code
}

/// All files below, by their address on the site.
fn collect(folder: &Path, address: &str, files: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).expect("the site's folder can be read") {
        let path = entry.expect("the site's folder can be read").path();
        let name =
            path.file_name().and_then(|name| name.to_str()).expect("the site's files have plain names");
        let address = format!("{address}/{name}");
        if path.is_dir() {
            collect(&path, &address, files);
        } else {
            files.insert(address, path);
        }
    }
}
