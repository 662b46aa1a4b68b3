//! Arrays and dictionaries as arguments that a script may leave out.

#![allow(unsafe_code)]

use std::ops::Deref;

use godot::{
    meta::{GodotConvert, GodotImmutable},
    prelude::*,
};

/// An `Array` of arguments, empty when left out.
#[derive(Debug, Clone, GodotConvert)]
#[godot(transparent)]
pub(crate) struct Arguments(VarArray);

/// A `Dictionary` of named things, empty when left out.
#[derive(Debug, Clone, GodotConvert)]
#[godot(transparent)]
pub(crate) struct Named(VarDictionary);

impl Default for Arguments {
    fn default() -> Self {
        Self(VarArray::new().into_read_only())
    }
}

impl Default for Named {
    fn default() -> Self {
        Self(VarDictionary::new().into_read_only())
    }
}

// SAFETY: the only default that this crate registers is the empty, read-only array above, which nobody can change; cloning
// it counts references atomically.
unsafe impl GodotImmutable for Arguments {}

// SAFETY: as for `Arguments`.
unsafe impl GodotImmutable for Named {}

impl Deref for Arguments {
    type Target = VarArray;

    fn deref(&self) -> &VarArray {
        &self.0
    }
}

impl Deref for Named {
    type Target = VarDictionary;

    fn deref(&self) -> &VarDictionary {
        &self.0
    }
}
