//! The types that audit-schema's source defines.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow, bail};
use proc_macro2::Span;
use syn::{Expr, ExprLit, Item, ItemEnum, ItemStruct, Lit, Type};

use crate::tree::File;

pub(crate) struct Source {
    types: BTreeMap<String, Defined>,
    /// Types whose `Deserialize` is written out, not derived.
    read_by_hand: BTreeSet<String>,
    version: Option<u64>,
}

/// A type and the file it stands in.
pub(crate) struct Defined {
    pub(crate) path: String,
    pub(crate) shape: Shape,
}

pub(crate) enum Shape {
    Struct(ItemStruct),
    Enum(ItemEnum),
}

impl Source {
    pub(crate) fn parse<'a>(files: impl Iterator<Item = &'a File>) -> Result<Self> {
        let mut source = Self {
            types: BTreeMap::new(),
            read_by_hand: BTreeSet::new(),
            version: None,
        };
        for file in files {
            let parsed = syn::parse_file(&file.text)
                .map_err(|error| refuse(&file.path, error.span(), &error.to_string()))?;
            for item in parsed.items {
                source.add(&file.path, item)?;
            }
        }
        Ok(source)
    }

    fn add(&mut self, path: &str, item: Item) -> Result<()> {
        let (name, shape) = match item {
            Item::Struct(item) => (item.ident.clone(), Shape::Struct(item)),
            Item::Enum(item) => (item.ident.clone(), Shape::Enum(item)),
            Item::Const(item) if item.ident == "SCHEMA_VERSION" => {
                let Expr::Lit(ExprLit {
                    lit: Lit::Int(number),
                    ..
                }) = &*item.expr
                else {
                    let problem = "SCHEMA_VERSION must be a plain number";
                    return Err(refuse(path, item.ident.span(), problem));
                };
                self.version = Some(number.base10_parse()?);
                return Ok(());
            }
            Item::Impl(item) => {
                let of = item
                    .trait_
                    .and_then(|(trait_, ..)| Some(trait_.segments.last()?.ident.to_string()));
                if let (Some("Deserialize"), Type::Path(this)) = (of.as_deref(), &*item.self_ty)
                    && let Some(this) = this.path.get_ident()
                {
                    self.read_by_hand.insert(this.to_string());
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        let path = path.to_owned();
        let defined = Defined { path, shape };
        if let Some(earlier) = self.types.insert(name.to_string(), defined) {
            bail!(
                "{}: `{name}` is defined in {} too; give one of them another name",
                self.types[&name.to_string()].path,
                earlier.path
            );
        }
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Defined> {
        self.types.get(name)
    }

    pub(crate) fn is_read_by_hand(&self, name: &str) -> bool {
        self.read_by_hand.contains(name)
    }

    pub(crate) fn version(&self) -> Result<u64> {
        self.version.ok_or_else(|| {
            anyhow!("no `const SCHEMA_VERSION` stands in the source; the schema's id needs it")
        })
    }
}

/// An error about something in the source that isn't understood.
pub(crate) fn refuse(path: &str, at: Span, problem: &str) -> anyhow::Error {
    let line = at.start().line;
    anyhow!("{path}:{line}: {problem}; write it otherwise, or teach xtask/src/schema to read it")
}
