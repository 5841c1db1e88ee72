//! The migrations are embedded at compile time: a new file is a reason to compile again.

fn main() {
    println!("cargo:rerun-if-changed=../../../migrations/sqlite");
}
