//! The schema: what is committed is what the program prints, and holds what clients rely on.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, ServiceDocument, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What the contract names and the schema does not have yet: types, fields, values or members.
const MISSING: &[&str] = &[
    "BanUserInput",
    "Mutation.banUser",
    "Mutation.blockUser",
    "Mutation.muteUser",
    "Mutation.unbanUser",
    "Mutation.unblockUser",
    "Mutation.unmuteUser",
    "Query.bannedUsers",
    "Query.blockedUsers",
    "Query.mutedUsers",
    "User.viewerIsBlocking",
    "User.viewerIsMuting",
    "UserRefInput",
];

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn the_file_is_what_the_program_prints() {
    let printed = linnet::graphql::sdl();
    let path = file("schema.graphql");
    if std::env::var_os("LINNET_BLESS").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == printed,
        "schema.graphql is not the output of `linnet schema`; LINNET_BLESS=1 writes it anew"
    );
}

/// All that a document names, each with what clients rely on: `Type`, `Type.field`,
/// `Type.field(argument)`.
fn names(document: &ServiceDocument) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for definition in &document.definitions {
        if let TypeSystemDefinition::Type(definition) = definition {
            describe(&definition.node, &mut names);
        }
    }
    names
}

fn describe(definition: &TypeDefinition, names: &mut BTreeMap<String, String>) {
    let name = definition.name.node.to_string();
    let (what, implements) = match &definition.kind {
        TypeKind::Scalar => ("scalar", Vec::new()),
        TypeKind::Object(object) => {
            fields(&name, object.fields.iter().map(|field| &field.node), names);
            (
                "type",
                object.implements.iter().map(|name| name.node.to_string()).collect(),
            )
        }
        TypeKind::Interface(interface) => {
            fields(&name, interface.fields.iter().map(|field| &field.node), names);
            ("interface", Vec::new())
        }
        TypeKind::Union(union) => {
            for member in &union.members {
                names.insert(format!("{name}.{}", member.node), "member".to_owned());
            }
            ("union", Vec::new())
        }
        TypeKind::Enum(values) => {
            for value in &values.values {
                names.insert(format!("{name}.{}", value.node.value.node), "value".to_owned());
            }
            ("enum", Vec::new())
        }
        TypeKind::InputObject(input) => {
            for field in &input.fields {
                names.insert(format!("{name}.{}", field.node.name.node), input_type(&field.node));
            }
            ("input", Vec::new())
        }
    };
    names.insert(name, format!("{what} {}", implements.join(" & ")));
}

fn fields<'d>(name: &str, fields: impl Iterator<Item = &'d FieldDefinition>, names: &mut BTreeMap<String, String>) {
    for field in fields {
        let place = format!("{name}.{}", field.name.node);
        for argument in &field.arguments {
            names.insert(
                format!("{place}({})", argument.node.name.node),
                input_type(&argument.node),
            );
        }
        names.insert(place, field.ty.node.to_string());
    }
}

fn input_type(input: &InputValueDefinition) -> String {
    match &input.default_value {
        Some(value) => format!("{} = {}", input.ty.node, value.node),
        None => input.ty.node.to_string(),
    }
}

/// `Type.field(argument)` is missing when `Type.field` or `Type` is.
fn is_missing(name: &str) -> bool {
    let field = name.split('(').next().unwrap_or(name);
    let ty = field.split('.').next().unwrap_or(field);
    MISSING.contains(&name) || MISSING.contains(&field) || MISSING.contains(&ty)
}

#[test]
fn the_contract_is_a_part_of_the_schema() {
    let contract = std::fs::read_to_string(file("tests/data/contract.graphql")).unwrap();
    let contract = names(&parse_schema(contract).unwrap());
    let schema = names(&parse_schema(linnet::graphql::sdl()).unwrap());
    let mut wrong = Vec::new();
    for (name, expected) in &contract {
        match schema.get(name) {
            Some(found) if found == expected => {}
            Some(found) => wrong.push(format!("{name}: {found}, expected {expected}")),
            None if is_missing(name) => {}
            None => wrong.push(format!("{name} is missing")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let listed: BTreeSet<&str> = MISSING
        .iter()
        .copied()
        .filter(|name| schema.contains_key(*name))
        .collect();
    assert!(listed.is_empty(), "no longer missing: {listed:?}");
}
