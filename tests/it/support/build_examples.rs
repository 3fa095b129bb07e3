//! Builds the example programs that tests start.
//!
//! `cargo test --test it` does not build examples: on a clean tree there are none, and after an edit
//! they contain the old library. So the tests build them, once per process, with the cargo, profile
//! and target directory of their own build. The dev-dependency on this crate enables all features.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The directory with the example programs, which are up to date.
pub fn examples() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// Runs `cargo build --examples`, which takes some tenths of a second if nothing has changed.
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test binary");
    let folder = test.ancestors().nth(2).expect("TARGET/[TRIPLE/]PROFILE/deps/TEST");
    let name =
        |path: &Path| path.file_name().expect("a file name").to_str().expect("UTF-8").to_owned();
    let profile = match &*name(folder) {
        "debug" => "dev".to_owned(),
        other => other.to_owned(),
    };
    let mut target = folder.parent().expect("the target folder");
    let mut triple = None;
    let above = target.parent().filter(|above| above.join("CACHEDIR.TAG").exists());
    if let (Some(above), false) = (above, target.join("CACHEDIR.TAG").exists()) {
        triple = Some(name(target)); // `cargo test --target TRIPLE`
        target = above;
    }

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.args(["build", "--examples", "--offline", "--quiet", "--profile", &profile]);
    command.args(triple.iter().flat_map(|triple| ["--target", triple]));
    command.arg("--target-dir").arg(target);
    // The tests of another package of this workspace use this file, too.
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let package = folders.find(|folder| folder.join("examples").is_dir()).expect("the examples");
    command.arg("--manifest-path").arg(package.join("Cargo.toml"));
    // Build scripts must not see the variables that cargo sets for the test.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|own| name.starts_with(own)) {
            command.env_remove(&*name);
        }
    }
    let output = command.output().expect("cargo can be started");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the examples cannot be built: {stderr}");
    folder.join("examples")
}
