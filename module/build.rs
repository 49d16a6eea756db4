//! Marks libzoneway.so as never to be unloaded: it runs a thread, and Envoy closes a module with the last listener that
//! uses it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rustc-link-arg-examples=-Wl,-z,nodelete");
}
