//! One synced property in the engine: where it is, and reading and writing it.

use std::{fmt, rc::Rc};

use godot::{
    classes::{ClassDb, Node},
    obj::EngineEnum,
    prelude::*,
};

use crate::{
    engine::{EngineValue, NodeRef},
    variant,
};

/// A property's path, as `SceneReplicationConfig` writes it: `property`, `.:property` or `Child/Path:property:subname`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PropertyPath<'a> {
    node: &'a str,
    property: &'a str,
}

impl<'a> PropertyPath<'a> {
    pub(crate) fn parse(path: &'a str) -> Self {
        let (node, property) = path.split_once(':').unwrap_or((".", path));
        Self {
            node: if node.is_empty() { "." } else { node },
            property,
        }
    }

    /// The same path in one way of writing, so that two ways of writing are one property on every machine.
    pub(crate) fn canonical(&self) -> String {
        if self.node == "." {
            self.property.to_owned()
        } else {
            format!("{}:{}", self.node, self.property)
        }
    }
}

/// Why a property's path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathFault {
    Empty,
    NoNode(String),
    NoProperty { node: String, property: String },
    Type { property: String, kind: String },
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a property path is empty"),
            Self::NoNode(node) => write!(f, "there is no node \"{node}\" below the root"),
            Self::NoProperty { node, property } => {
                write!(f, "node \"{node}\" has no property \"{property}\"")
            }
            Self::Type { property, kind } => {
                write!(
                    f,
                    "property \"{property}\" is of type {kind}, which cannot be synced"
                )
            }
        }
    }
}

/// A resolved property. Once its node is freed it reads as null, and writing does nothing.
#[derive(Debug, Clone)]
pub(crate) struct Target(Rc<Resolved>);

/// Shared, since to copy a name of the engine costs more.
#[derive(Debug)]
enum Resolved {
    Plain(NodeRef, StringName),
    Indexed(Gd<Node>, NodePath),
}

impl Target {
    /// Finds the property below `root`.
    pub(crate) fn resolve(root: &Gd<Node>, path: &str) -> Result<Self, PathFault> {
        let path = PropertyPath::parse(path);
        if path.property.is_empty() {
            return Err(PathFault::Empty);
        }
        let node = root
            .get_node_or_null(path.node)
            .ok_or_else(|| PathFault::NoNode(path.node.to_owned()))?;
        let first = path.property.split(':').next().unwrap_or_default();
        let declared = Declared::of(&node, first).ok_or_else(|| PathFault::NoProperty {
            node: path.node.to_owned(),
            property: first.to_owned(),
        })?;
        let resolved = if first == path.property {
            Resolved::Plain(NodeRef::new(&node), first.into())
        } else {
            Resolved::Indexed(node, path.property.into())
        };
        let target = Self(Rc::new(resolved));
        let kind = match target.get().get_type() {
            VariantType::NIL => declared.kind,
            present => present,
        };
        if !variant::is_supported(kind) || declared.is_other_object() {
            return Err(PathFault::Type {
                property: path.property.to_owned(),
                kind: declared.name(kind),
            });
        }
        Ok(target)
    }

    /// Reads the property, null if its node is freed; may run a script's getter.
    pub(crate) fn get(&self) -> EngineValue {
        self.read().unwrap_or_default()
    }

    /// Reads the property, unless its node is freed; may run a script's getter.
    pub(crate) fn read(&self) -> Option<EngineValue> {
        match &*self.0 {
            Resolved::Plain(node, name) => node.get(name),
            Resolved::Indexed(node, path) => node
                .is_instance_valid()
                .then(|| node.get_indexed(path).into()),
        }
    }

    /// Writes the property; may run a script's setter.
    pub(crate) fn set(&self, value: &EngineValue) {
        let value = variant::detached(value, || self.get());
        match &*self.0 {
            Resolved::Plain(node, name) => node.set(name, &value),
            Resolved::Indexed(node, path) => {
                if node.is_instance_valid() {
                    node.clone().set_indexed(path, &value);
                }
            }
        }
    }
}

/// What a property is declared as. Only looked up while its value is null: that tells nothing.
#[derive(Debug)]
struct Declared {
    kind: VariantType,
    class: StringName,
}

impl Declared {
    /// `None` when the node has no such property.
    fn of(node: &Gd<Node>, name: &str) -> Option<Self> {
        let mut declared = Self {
            kind: VariantType::NIL,
            class: StringName::default(),
        };
        if node.get(name).is_nil() {
            let wanted = name.to_variant();
            let properties = node.get_property_list();
            let entry = properties
                .iter_shared()
                .find(|entry| entry.get("name") == Some(wanted.clone()))?;
            let text = |key: &str| entry.get(key).map(|value| value.stringify());
            let kind = entry.get("type").and_then(|kind| kind.try_to().ok());
            declared.kind = VariantType::from_ord(kind.unwrap_or(0));
            declared.class = StringName::from(&text("class_name").unwrap_or_default());
        }
        Some(declared)
    }

    /// Whether it holds objects that are no nodes, as far as the engine knows the class.
    fn is_other_object(&self) -> bool {
        let classes = ClassDb::singleton();
        self.kind == VariantType::OBJECT
            && classes.class_exists(&self.class)
            && !classes.is_parent_class(&self.class, "Node")
    }

    fn name(&self, kind: VariantType) -> String {
        if kind == VariantType::OBJECT {
            self.class.to_string()
        } else {
            format!("{kind:?}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_path_means_one_property() {
        for path in ["position", ".:position", ":position"] {
            assert_eq!(PropertyPath::parse(path).canonical(), "position");
        }
        assert_eq!(
            PropertyPath::parse("Mesh/Lid:position:x").canonical(),
            "Mesh/Lid:position:x"
        );
    }
}
