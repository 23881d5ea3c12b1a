//! The stack that the library needs, which apps have not by themselves: sectors of 4 KiB and names of 1 KiB are there, several at once.
//! Requests of all kinds used 54 KiB of it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg-bins=-zstack-size=131072");
    }
}
