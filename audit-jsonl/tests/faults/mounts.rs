//! File systems of our own, and their going away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::{Directory, can, is_root, run, say};

/// A mounted file system; unmounted when dropped, the test failing or not.
pub(crate) struct Mount {
    place: Directory,
}

impl Mount {
    pub(crate) fn tmpfs(options: &str) -> Self {
        Self::of(&["-t", "tmpfs", "-o", options, "tmpfs"])
    }

    /// An image with a file system in it.
    pub(crate) fn image(image: &Path) -> Self {
        Self::of(&["-o", "loop", &image.display().to_string()])
    }

    fn of(what: &[&str]) -> Self {
        // Not on a file system that is itself about to be full.
        let place = Directory::under(&std::env::temp_dir());
        let mount = Self { place };
        mount.mount(what);
        mount
    }

    fn mount(&self, what: &[&str]) {
        let path = self.path().display().to_string();
        let arguments: Vec<&str> = what.iter().copied().chain([path.as_str()]).collect();
        run("mount", &arguments).expect("a mount");
    }

    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.place.log()
    }

    pub(crate) fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let path = self.path().display().to_string();
        run("mount", &["-o", &options, &path]).expect("a remount");
    }

    /// Unmounts, waiting until nothing of it is in use.
    pub(crate) fn unmount(&self) -> Result<(), String> {
        run("umount", &[self.path()]).map(drop)
    }

    /// Mounts the image again, at the same place.
    pub(crate) fn mount_again(&self, image: &Path) {
        self.mount(&["-o", "loop", &image.display().to_string()]);
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily, since a failing test may leave files open. A loop device goes
        // with its mount.
        while is_mounted(self.path()) {
            if run("umount", &[Path::new("-l"), self.path()]).is_err() {
                say(&format!("{} is left mounted", self.path().display()));
                break;
            }
        }
    }
}

fn is_mounted(path: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let path = path.display().to_string();
    mounts
        .lines()
        .any(|line| line.split(' ').nth(1) == Some(path.as_str()))
}

/// Whether file systems can be mounted here. Without root the test runs again by
/// itself as the root of a user namespace, where the machine allows that.
pub(crate) fn can_mount(test: &str) -> bool {
    const INSIDE: &str = "AUDIT_FAULTS_UNSHARED";
    if !can(test, false, &[("mount", "mount"), ("umount", "mount")]) {
        return false;
    }
    if is_root() {
        return true;
    }
    if run("unshare", &["-Urm", "true"]).is_err() || std::env::var_os(INSIDE).is_some() {
        return can(test, true, &[]);
    }
    let program = std::env::current_exe().expect("the test binary");
    let mut command = Command::new("unshare");
    command
        .arg("-Urm")
        .arg(program)
        .args([test, "--exact", "--nocapture"]);
    let status = command.env(INSIDE, "1").status().expect("unshare runs");
    assert!(status.success(), "in a user namespace: {status}");
    false
}
