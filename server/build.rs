//! How the program is linked where `PROGRAM_LINK=small` asks for it, as `Dockerfile.prod` does: functions that came out alike are
//! one, and relocations are packed (2 MB less of the image). Not everywhere: it wants rust-lld, Rust's linker for this target
//! since 1.90, and glibc 2.36 where the program runs.

#![allow(clippy::print_stdout)] // what cargo listens to

fn main() {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    println!("cargo::rerun-if-env-changed=PROGRAM_LINK");
    if is("PROGRAM_LINK", "small") && is("TARGET", "x86_64-unknown-linux-gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all,-z,pack-relative-relocs");
    }
}
