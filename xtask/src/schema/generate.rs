//! From types to a JSON Schema: what is read is what the schema admits.
//!
//! A member may be missing if it has serde's `default`, also where reading is
//! written out by hand; tests of audit-schema hold that code to the schema.

use anyhow::{Result, anyhow};
use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::{
    Attribute, Field, Fields, GenericArgument, Generics, ItemEnum, ItemStruct, PathArguments, Type,
    Variant,
};

use crate::schema::attrs::Attrs;
use crate::schema::json::Json;
use crate::schema::source::{Defined, Shape, Source, refuse};

const ROOT: &str = "CallEvent";

pub(crate) fn schema(source: &Source) -> Result<Json> {
    let root = source
        .get(ROOT)
        .ok_or_else(|| anyhow!("no `struct {ROOT}` stands in the source of audit-schema"))?;
    let mut types = Types::default();
    let record = Reader::new(source, root, ROOT, &mut types).read()?;
    let head = Json::object([
        (
            "$schema",
            "https://json-schema.org/draft/2020-12/schema".into(),
        ),
        (
            "$id",
            format!("urn:audit-schema:call-event:{}", source.version()?).into(),
        ),
        ("title", ROOT.into()),
    ]);
    let mut defs = Json::object([]);
    let mut done = 0;
    while let Some(wanted) = types.0.get(done).cloned() {
        let defined = source.get(&wanted.name).ok_or_else(|| {
            let problem = format!("the type `{}` isn't understood", wanted.name);
            refuse(&wanted.path, wanted.at, &problem)
        })?;
        let read = Reader::new(source, defined, &wanted.name, &mut types).read()?;
        defs = defs.with(&wanted.name, read);
        done += 1;
    }
    Ok(head.followed_by(record).with("$defs", defs))
}

/// The types that others refer to, in the order of their first mention.
#[derive(Default)]
struct Types(Vec<Wanted>);

#[derive(Clone)]
struct Wanted {
    name: String,
    path: String,
    at: Span,
}

/// Reads one type.
struct Reader<'a> {
    defined: &'a Defined,
    name: &'a str,
    types: &'a mut Types,
    read_by_hand: bool,
}

/// A member of an object.
struct Member {
    name: String,
    schema: Json,
    required: bool,
}

impl<'a> Reader<'a> {
    fn new(source: &Source, defined: &'a Defined, name: &'a str, types: &'a mut Types) -> Self {
        Self {
            defined,
            name,
            types,
            read_by_hand: source.is_read_by_hand(name),
        }
    }

    fn refuse(&self, at: Span, problem: &str) -> anyhow::Error {
        refuse(
            &self.defined.path,
            at,
            &format!("`{}`: {problem}", self.name),
        )
    }

    /// The attributes of something at that place, which may tell serde these
    /// things and no others.
    fn attrs(&self, attrs: &[Attribute], at: Span, serde: &[&str]) -> Result<Attrs> {
        let attrs =
            Attrs::parse(attrs).map_err(|error| self.refuse(error.span(), &error.to_string()))?;
        match attrs.serde_beside(serde) {
            Some(other) => {
                Err(self.refuse(at, &format!("serde's `{other}` isn't understood here")))
            }
            None => Ok(attrs),
        }
    }

    fn read(mut self) -> Result<Json> {
        match &self.defined.shape {
            Shape::Struct(item) => self.read_struct(item),
            Shape::Enum(item) => self.read_enum(item),
        }
    }

    fn read_struct(&mut self, item: &ItemStruct) -> Result<Json> {
        let at = item.ident.span();
        let attrs = self.attrs(&item.attrs, at, &[])?;
        self.check_type(at, &attrs, &item.generics)?;
        let Fields::Named(fields) = &item.fields else {
            return Err(self.refuse(at, "only named fields are understood"));
        };
        let members = fields.named.iter().map(|field| self.member(field));
        let members = members.collect::<Result<Vec<_>>>()?;
        Ok(object(&attrs.description, members))
    }

    fn read_enum(&mut self, item: &ItemEnum) -> Result<Json> {
        let at = item.ident.span();
        let attrs = self.attrs(&item.attrs, at, &["tag", "rename_all"])?;
        self.check_type(at, &attrs, &item.generics)?;
        let (Some(tag), Some("snake_case")) =
            (attrs.serde_value("tag"), attrs.serde_value("rename_all"))
        else {
            let problem = "only an enum with serde's `tag` and `rename_all = \"snake_case\"` is \
                           understood";
            return Err(self.refuse(at, problem));
        };
        let mut kinds = Vec::new();
        let mut unknown = None;
        let mut alternatives = Vec::new();
        for variant in &item.variants {
            let at = variant.ident.span();
            let attrs = self.attrs(&variant.attrs, at, &["untagged"])?;
            if attrs.tells_serde("untagged") {
                self.check_unknown(variant, tag)?;
                if unknown.replace(attrs.description).is_some() {
                    return Err(self.refuse(at, "only one untagged variant is understood"));
                }
                continue;
            }
            let kind = snake_case(&variant.ident.unraw().to_string());
            alternatives.push(self.variant(variant, &attrs.description, tag, &kind)?);
            kinds.push(kind);
        }
        if let Some(description) = unknown {
            let other = Json::object([
                ("type", "string".into()),
                ("not", Json::object([("enum", Json::strings(kinds))])),
            ]);
            let kind = Member {
                name: tag.to_owned(),
                schema: other,
                required: true,
            };
            alternatives.push(object(&description, vec![kind]));
        }
        Ok(described(&attrs.description).with("oneOf", Json::Array(alternatives)))
    }

    fn check_type(&self, at: Span, attrs: &Attrs, generics: &Generics) -> Result<()> {
        if !generics.params.is_empty() {
            return Err(self.refuse(at, "parameters of a type aren't understood"));
        }
        if !attrs.derives("Serialize") {
            return Err(self.refuse(at, "only a type that derives `Serialize` is understood"));
        }
        if attrs.derives("Deserialize") == self.read_by_hand {
            return Err(self.refuse(at, "`Deserialize` must be derived or written out"));
        }
        Ok(())
    }

    /// The variant that holds kinds which this version doesn't know.
    fn check_unknown(&self, variant: &Variant, tag: &str) -> Result<()> {
        if let Fields::Named(fields) = &variant.fields
            && let [field] = fields.named.iter().collect::<Vec<_>>()[..]
            && field.ident.as_ref().is_some_and(|name| name.unraw() == tag)
            && let Type::Path(path) = &field.ty
            && path.path.is_ident("String")
            && self.read_by_hand
        {
            return Ok(());
        }
        let problem = format!("an untagged variant must be `{{ {tag}: String }}`, read by hand");
        Err(self.refuse(variant.ident.span(), &problem))
    }

    fn variant(
        &mut self,
        variant: &Variant,
        description: &str,
        tag: &str,
        kind: &str,
    ) -> Result<Json> {
        let mut members = vec![Member {
            name: tag.to_owned(),
            schema: Json::object([("const", kind.into())]),
            required: true,
        }];
        match &variant.fields {
            Fields::Unit => {}
            Fields::Named(fields) => {
                for field in &fields.named {
                    members.push(self.member(field)?);
                }
            }
            Fields::Unnamed(_) => {
                let at = variant.ident.span();
                return Err(self.refuse(at, "only named fields are understood"));
            }
        }
        Ok(object(description, members))
    }

    fn member(&mut self, field: &Field) -> Result<Member> {
        let Some(ident) = &field.ident else {
            return Err(self.refuse(Span::call_site(), "only named fields are understood"));
        };
        let (name, at) = (ident.unraw().to_string(), ident.span());
        let attrs = self.attrs(&field.attrs, at, &["default", "skip_serializing_if"])?;
        let may_be_missing = attrs.tells_serde("default");
        if attrs.tells_serde("skip_serializing_if") && !may_be_missing {
            let problem = format!("`{name}` may be left out on writing, but not on reading");
            return Err(self.refuse(at, &problem));
        }
        let schema = self.of_type(&field.ty, at)?;
        // Derived reading takes a missing Option for None, whatever it says.
        if argument(&field.ty, "Option").is_some() && !self.read_by_hand && !may_be_missing {
            let problem = format!("`{name}` may be missing on reading; say so by `default`");
            return Err(self.refuse(at, &problem));
        }
        Ok(Member {
            name,
            schema: described(&attrs.description).followed_by(schema),
            required: !may_be_missing,
        })
    }

    fn of_type(&mut self, ty: &Type, at: Span) -> Result<Json> {
        if let Some(inner) = argument(ty, "Option") {
            return self.of_type(inner, at).map(or_null);
        }
        if let Some(inner) = argument(ty, "Vec") {
            let items = self.of_type(inner, at)?;
            return Ok(Json::object([("type", "array".into()), ("items", items)]));
        }
        let name = match ty {
            Type::Path(path) if path.qself.is_none() => path.path.get_ident(),
            _ => None,
        };
        let Some(name) = name else {
            return Err(self.refuse(at, "this type isn't understood"));
        };
        Ok(match name.to_string().as_str() {
            "String" => Json::object([("type", "string".into())]),
            "bool" => Json::object([("type", "boolean".into())]),
            "u8" => integer(u8::MAX.into()),
            "u16" => integer(u16::MAX.into()),
            "u32" => integer(u32::MAX.into()),
            "u64" => integer(u64::MAX),
            ROOT => return Err(self.refuse(at, "a record inside a record isn't understood")),
            other => {
                if self.types.0.iter().all(|wanted| wanted.name != other) {
                    self.types.0.push(Wanted {
                        name: other.into(),
                        path: self.defined.path.clone(),
                        at,
                    });
                }
                Json::object([("$ref", format!("#/$defs/{other}").into())])
            }
        })
    }
}

/// The `T` of `Option<T>`, `Vec<T>` or the like.
fn argument<'a>(ty: &'a Type, of: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last()?;
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) if segment.ident == of => {
            match arguments.args.first()? {
                GenericArgument::Type(inner) => Some(inner),
                _ => None,
            }
        }
        _ => None,
    }
}

/// An object with these members, and any others.
fn object(description: &str, members: Vec<Member>) -> Json {
    let required: Vec<_> = members
        .iter()
        .filter(|member| member.required)
        .map(|member| member.name.clone())
        .collect();
    let properties = members
        .into_iter()
        .map(|member| (member.name, member.schema))
        .collect();
    described(description)
        .with("type", "object")
        .with("properties", Json::Object(properties))
        .with("required", Json::strings(required))
}

fn described(description: &str) -> Json {
    match description {
        "" => Json::object([]),
        text => Json::object([("description", text.into())]),
    }
}

fn integer(most: u64) -> Json {
    Json::object([
        ("type", "integer".into()),
        ("minimum", 0.into()),
        ("maximum", most.into()),
    ])
}

/// The same, and `null` too.
fn or_null(schema: Json) -> Json {
    if let Some(Json::String(one)) = schema.get("type") {
        let either = Json::strings([one.as_str(), "null"]);
        return schema.replaced("type", either);
    }
    let null = Json::object([("type", "null".into())]);
    Json::object([("anyOf", Json::Array(vec![schema, null]))])
}

/// As serde's `rename_all = "snake_case"` names a variant.
fn snake_case(variant: &str) -> String {
    let mut name = String::new();
    for (at, letter) in variant.char_indices() {
        if at > 0 && letter.is_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
