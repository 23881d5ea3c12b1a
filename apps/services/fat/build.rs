//! The stack that the library needs: it puts a sector of 4 KiB and names of 1 KiB there, some of them at once.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg-bins=-zstack-size=131072");
    }
}
