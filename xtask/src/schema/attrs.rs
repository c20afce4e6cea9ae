//! What the attributes of a type, a field or a variant say about its JSON.

use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta, Token};

use crate::schema::docs;

/// All that is understood; anything else is an error.
#[derive(Debug, Default)]
pub(crate) struct Attrs {
    pub(crate) description: String,
    derives: Vec<String>,
    /// What serde is told, by name; the value is empty where there is none.
    serde: Vec<(String, String)>,
}

impl Attrs {
    pub(crate) fn parse(attrs: &[Attribute]) -> syn::Result<Self> {
        let mut parsed = Self::default();
        let mut doc = Vec::new();
        for attr in attrs {
            let name = attr.path().get_ident().map(ToString::to_string);
            match name.as_deref() {
                Some("doc") => doc.push(doc_line(attr)?),
                Some("serde") => parsed.serde(attr)?,
                Some("derive") => attr.parse_nested_meta(|derive| {
                    let name = derive.path.segments.last();
                    parsed
                        .derives
                        .extend(name.map(|name| name.ident.to_string()));
                    Ok(())
                })?,
                // These change nothing on the wire.
                Some("non_exhaustive" | "allow" | "expect" | "deprecated" | "must_use") => {}
                _ => return Err(error(attr, "this attribute isn't understood")),
            }
        }
        parsed.description = docs::clean(&doc);
        Ok(parsed)
    }

    fn serde(&mut self, attr: &Attribute) -> syn::Result<()> {
        attr.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().map(ToString::to_string);
            let text = || meta.value()?.parse::<LitStr>().map(|text| text.value());
            let (name, value) = match name.as_deref() {
                Some(name @ "untagged") => (name, String::new()),
                Some(name @ "default") if !meta.input.peek(Token![=]) => (name, String::new()),
                Some(name @ ("default" | "skip_serializing_if" | "tag" | "rename_all")) => {
                    (name, text()?)
                }
                _ => return Err(meta.error("this attribute of serde's isn't understood")),
            };
            self.serde.push((name.to_owned(), value));
            Ok(())
        })
    }

    pub(crate) fn derives(&self, name: &str) -> bool {
        self.derives.iter().any(|derived| derived == name)
    }

    /// What serde is told under that name.
    pub(crate) fn serde_value(&self, name: &str) -> Option<&str> {
        let mut serde = self.serde.iter();
        let (_, value) = serde.find(|(told, _)| told == name)?;
        Some(value)
    }

    pub(crate) fn tells_serde(&self, name: &str) -> bool {
        self.serde_value(name).is_some()
    }

    /// Something that serde is told besides these.
    pub(crate) fn serde_beside(&self, names: &[&str]) -> Option<&str> {
        let mut told = self.serde.iter().map(|(name, _)| name.as_str());
        told.find(|name| !names.contains(name))
    }
}

fn doc_line(attr: &Attribute) -> syn::Result<String> {
    match &attr.meta {
        Meta::NameValue(doc) => match &doc.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(line),
                ..
            }) => Ok(line.value()),
            _ => Err(error(attr, "this doc isn't a plain string")),
        },
        _ => Err(error(attr, "this attribute of rustdoc's isn't understood")),
    }
}

fn error(attr: &Attribute, problem: &str) -> syn::Error {
    syn::Error::new(attr.pound_token.spans[0], problem)
}
