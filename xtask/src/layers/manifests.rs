//! The rules that every manifest keeps, so that nothing is said twice.

use toml::{Table, Value};

use crate::common::Problems;
use crate::metadata::Metadata;

/// What the root manifest says of our own crates.
pub(crate) fn check_root(root: &Table, metadata: &Metadata, problems: &mut Problems) {
    let place = "Cargo.toml [workspace.dependencies]";
    let shared = at(root, "workspace.dependencies").and_then(Value::as_table);
    for (name, value) in shared.into_iter().flatten() {
        let Some(package) = metadata.package(name) else {
            continue;
        };
        let version = value.as_str().or_else(|| value.get("version")?.as_str());
        let user = |in_tests: bool| {
            metadata.publishable().find(|member| {
                let mut dependencies = member.dependencies.iter();
                dependencies.any(|on| on.name == *name && on.is_dev() == in_tests)
            })
        };
        match (version, user(false), user(true)) {
            (None, Some(user), _) => problems.push(
                place,
                format!(
                    "`{name}` has no version, but {} is published and depends on it; write \
                     `version = \"{}\"` beside its path",
                    user.name, package.version
                ),
            ),
            (Some(_), None, Some(user)) => problems.push(
                place,
                format!(
                    "`{name}` has a version, but only tests depend on it, as those of {}; leave \
                     the version out, so that packaging drops the dependency",
                    user.name
                ),
            ),
            (Some(version), _, _) if version.trim_start_matches('=') != package.version => problems
                .push(
                    place,
                    format!(
                        "`{name}` is asked for as {version}, but is {}; write that version",
                        package.version
                    ),
                ),
            _ => {}
        }
    }
}

/// What every member says.
pub(crate) fn check_member(
    place: &str,
    manifest: &Table,
    metadata: &Metadata,
    problems: &mut Problems,
) {
    if !is_inherited(at(manifest, "lints")) {
        problems.push(
            place,
            "doesn't take the workspace's lints; write `[lints]` with `workspace = true` alone",
        );
    }
    for key in ["version", "edition", "rust-version", "license"] {
        if !is_inherited(at(manifest, &format!("package.{key}"))) {
            problems.push(
                place,
                format!(
                    "[package] doesn't take the workspace's {key}; write `{key}.workspace = true`"
                ),
            );
        }
    }
    for (table, dependencies) in dependency_tables(manifest) {
        for (name, value) in dependencies {
            let of_workspace = value.get("workspace").and_then(Value::as_bool) == Some(true);
            let sibling_in_tests = table.ends_with("dev-dependencies")
                && metadata.package(name).is_some()
                && value.get("path").is_some()
                && value.get("version").is_none();
            if !of_workspace && !sibling_in_tests {
                problems.push(
                    place,
                    format!(
                        "[{table}] `{name}` doesn't take the workspace's version; put it into \
                         [workspace.dependencies] of Cargo.toml and write `{name}.workspace = true`"
                    ),
                );
            }
        }
    }
}

/// What a member that is published says besides. `has` tells whether a file is
/// in its directory.
pub(crate) fn check_published(
    place: &str,
    manifest: &Table,
    has: impl Fn(&str) -> bool,
    problems: &mut Problems,
) {
    let text = |key: &str| at(manifest, &format!("package.{key}")).and_then(Value::as_str);
    if text("description").is_none_or(|text| text.trim().is_empty()) {
        problems.push(
            place,
            "[package] has no description, which a published crate needs; write one sentence",
        );
    }
    match text("readme") {
        None => problems.push(
            place,
            "[package] names no readme; write `readme = \"README.md\"`",
        ),
        Some(readme) if !has(readme) => problems.push(
            place,
            format!("[package] names the readme {readme}, which isn't there; write that file"),
        ),
        Some(_) => {}
    }
}

/// Every table of dependencies, under its name.
fn dependency_tables(manifest: &Table) -> Vec<(String, &Table)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let mut tables = Vec::new();
    for kind in KINDS {
        if let Some(table) = manifest.get(kind).and_then(Value::as_table) {
            tables.push((kind.to_owned(), table));
        }
    }
    let targets = manifest.get("target").and_then(Value::as_table);
    for (target, of_target) in targets.into_iter().flatten() {
        for kind in KINDS {
            if let Some(table) = of_target.get(kind).and_then(Value::as_table) {
                tables.push((format!("target.'{target}'.{kind}"), table));
            }
        }
    }
    tables
}

/// Whether that is `workspace = true` and nothing else.
fn is_inherited(value: Option<&Value>) -> bool {
    value.and_then(Value::as_table).is_some_and(|table| {
        table.len() == 1 && table.get("workspace").and_then(Value::as_bool) == Some(true)
    })
}

/// The value at a path of keys with dots between.
fn at<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let (first, rest) = match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let value = table.get(first)?;
    match rest {
        Some(rest) => at(value.as_table()?, rest),
        None => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [package]
        version.workspace = true
        edition.workspace = true
        rust-version.workspace = true
        license.workspace = true
        description = "Does it"
        readme = "README.md"
        [dependencies]
        audit-schema = { workspace = true, features = ["clock"] }
        [dev-dependencies]
        audit-testkit.workspace = true
        audit-sink = { path = "../audit-sink" }
        [lints]
        workspace = true
    "#;

    fn member(manifest: &str) -> Vec<String> {
        let metadata = Metadata::of(&[("audit-schema", &[]), ("audit-sink", &[])]);
        let manifest = manifest.parse().unwrap();
        let mut problems = Problems::default();
        check_member("x/Cargo.toml", &manifest, &metadata, &mut problems);
        check_published(
            "x/Cargo.toml",
            &manifest,
            |file| file == "README.md",
            &mut problems,
        );
        problems.into_vec()
    }

    #[test]
    fn a_manifest_that_keeps_the_rules_passes() {
        assert_eq!(member(GOOD), Vec::<String>::new());
    }

    #[test]
    fn each_rule_is_checked() {
        for (good, bad, named) in [
            ("[lints]\n        workspace = true", "", "lints"),
            (
                "[lints]\n        workspace = true",
                "[lints.rust]\nunsafe_code = \"allow\"",
                "lints",
            ),
            ("version.workspace = true", "version = \"0.2.0\"", "version"),
            ("rust-version.workspace = true", "", "rust-version"),
            (
                "description = \"Does it\"",
                "description = \" \"",
                "description",
            ),
            ("readme = \"README.md\"", "", "names no readme"),
            ("\"README.md\"", "\"READ.md\"", "isn't there"),
            (
                "{ workspace = true, features = [\"clock\"] }",
                "\"0.1\"",
                "[dependencies] `audit-schema`",
            ),
            (
                "{ path = \"../audit-sink\" }",
                "{ path = \"../audit-sink\", version = \"0.1\" }",
                "`audit-sink`",
            ),
            (
                "[dev-dependencies]",
                "[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n[dev-dependencies]",
                "`libc`",
            ),
        ] {
            assert!(GOOD.contains(good), "{good}");
            let problems = member(&GOOD.replacen(good, bad, 1));
            assert_eq!(problems.len(), 1, "{bad}: {problems:?}");
            assert!(problems[0].contains(named), "{bad}: {problems:?}");
        }
    }

    #[test]
    fn our_own_crates_have_a_version_when_users_need_it() {
        let metadata = Metadata::of(&[
            ("audit-schema", &[("audit-testkit", "dev")]),
            ("audit-sink", &[("audit-schema", "normal")]),
            ("audit-testkit", &[]),
        ]);
        let problems = |schema: &str, testkit: &str| {
            let root = format!(
                "[workspace.dependencies]\naudit-schema = {schema}\naudit-testkit = {testkit}"
            );
            let mut problems = Problems::default();
            check_root(&root.parse().unwrap(), &metadata, &mut problems);
            problems.into_vec().join("; ")
        };
        let (with, without) = ("{ version = \"0.1.0\", path = \"\" }", "{ path = \"\" }");
        assert_eq!(problems(with, without), "");
        assert!(problems(without, without).contains("`audit-schema` has no version"));
        assert!(problems(with, with).contains("`audit-testkit` has a version"));
        assert!(problems("\"0.2.0\"", without).contains("but is 0.1.0"));
    }
}
