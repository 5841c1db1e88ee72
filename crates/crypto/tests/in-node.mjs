// Runs a test binary that was compiled to WebAssembly, in Node: `cargo test -p crypto --target wasm32-wasip1`.
// The same 32-bit code as in the page; WASI is there only so that the tests can print and end with a status.
import { readFile } from "node:fs/promises";
import { argv, exit } from "node:process";
import { WASI } from "node:wasi";

const [path, ...args] = argv.slice(2);
const wasi = new WASI({ version: "preview1", args: [path, ...args] });
const { instance } = await WebAssembly.instantiate(await readFile(path), wasi.getImportObject());
exit(wasi.start(instance));
