//! What the attributes of a type, a field or a variant say about its JSON.

use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta};

use crate::schema::docs;

/// All that is understood; anything else is an error.
#[derive(Debug, Default)]
pub(crate) struct Attrs {
    pub(crate) description: String,
    pub(crate) derives: Vec<String>,
    pub(crate) default: bool,
    pub(crate) skip_serializing_if: bool,
    pub(crate) untagged: bool,
    pub(crate) tag: Option<String>,
    pub(crate) rename_all: Option<String>,
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
            match name.as_deref() {
                Some("default") => {
                    self.default = true;
                    if meta.input.peek(syn::Token![=]) {
                        text()?;
                    }
                }
                Some("skip_serializing_if") => {
                    self.skip_serializing_if = true;
                    text()?;
                }
                Some("untagged") => self.untagged = true,
                Some("tag") => self.tag = Some(text()?),
                Some("rename_all") => self.rename_all = Some(text()?),
                _ => return Err(meta.error("this attribute of serde's isn't understood")),
            }
            Ok(())
        })
    }

    pub(crate) fn derives(&self, name: &str) -> bool {
        self.derives.iter().any(|derived| derived == name)
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
