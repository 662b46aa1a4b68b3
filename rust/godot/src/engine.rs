//! What a frame asks of the engine by the thousand, straight through its C interface.
//!
//! gdext makes sure at each call that this is the main thread and that the object still lives, which takes longer than most of these
//! calls. Neither is given up here: who holds a [`Variant`] is on its thread, since it cannot be sent to another one, and an
//! object in a Variant goes by its id, which the engine itself looks up at each access.

#![allow(unsafe_code)]

use std::{mem::ManuallyDrop, ops::Deref, sync::OnceLock};

use godot::{
    builtin::{VariantOperator, VariantType},
    classes::Node,
    obj::{EngineEnum, InstanceId},
    prelude::*,
    sys,
};

/// The hash of what `Object.has_connections` takes and gives, by which the engine knows the method in all of its versions.
const HAS_CONNECTIONS: i64 = 2_619_796_661;

/// A Variant that is copied and dropped without a word to gdext.
#[derive(Debug)]
pub(crate) struct EngineValue(ManuallyDrop<Variant>);

impl EngineValue {
    /// As [`Variant::get_type`].
    pub(crate) fn kind(&self) -> VariantType {
        // SAFETY: the value lives.
        let kind = unsafe { (interface().variant_get_type)(self.var_sys()) };
        VariantType::from_ord(kind)
    }
}

impl Default for EngineValue {
    /// Null.
    fn default() -> Self {
        Variant::nil().into()
    }
}

impl From<Variant> for EngineValue {
    fn from(value: Variant) -> Self {
        Self(ManuallyDrop::new(value))
    }
}

impl Deref for EngineValue {
    type Target = Variant;

    fn deref(&self) -> &Variant {
        &self.0
    }
}

impl Clone for EngineValue {
    fn clone(&self) -> Self {
        // SAFETY: the engine puts a copy of the living value where there is none yet.
        let copy = unsafe {
            Variant::new_with_var_uninit(|copy| {
                (interface().variant_new_copy)(copy, self.var_sys())
            })
        };
        copy.into()
    }
}

impl Drop for EngineValue {
    fn drop(&mut self) {
        // SAFETY: nobody drops the Variant but this, and nobody has it any more.
        unsafe { (interface().variant_destroy)(self.0.var_sys_mut()) }
    }
}

impl PartialEq for EngineValue {
    fn eq(&self, other: &Self) -> bool {
        let mut is_valid = sys::GDExtensionBool::default();
        // SAFETY: both values live, and the engine gives an answer in any case.
        unsafe {
            let answer = Self::from(Variant::new_with_var_uninit(|answer| {
                (interface().variant_evaluate)(
                    VariantOperator::EQUAL.ord() as sys::GDExtensionVariantOperator,
                    self.var_sys(),
                    other.var_sys(),
                    answer,
                    &raw mut is_valid,
                );
            }));
            is_valid != 0 && (interface().variant_booleanize)(answer.var_sys()) != 0
        }
    }
}

/// A node by its id: reads as nothing and takes nothing once it is freed.
#[derive(Debug)]
pub(crate) struct NodeRef(Variant);

impl NodeRef {
    pub(crate) fn new(node: &Gd<Node>) -> Self {
        Self(node.to_variant())
    }

    /// Writes a property, if the node lives and has it; may run a script's setter.
    pub(crate) fn set(&self, name: &StringName, value: &Variant) {
        let mut is_valid = sys::GDExtensionBool::default();
        // SAFETY: all three live. A Variant that is no object would change itself; in this one nothing does but the object.
        unsafe {
            (interface().variant_set_named)(
                sys::SysPtr::force_mut(self.0.var_sys()),
                name.string_sys(),
                value.var_sys(),
                &raw mut is_valid,
            );
        }
    }

    /// Reads a property, if the node lives and has it; may run a script's getter.
    pub(crate) fn get(&self, name: &StringName) -> Option<EngineValue> {
        let mut is_valid = sys::GDExtensionBool::default();
        // SAFETY: both live, and the engine gives a value in any case.
        let value = unsafe {
            Variant::new_with_var_uninit(|value| {
                (interface().variant_get_named)(
                    self.0.var_sys(),
                    name.string_sys(),
                    value,
                    &raw mut is_valid,
                );
            })
        };
        let value = EngineValue::from(value);
        (is_valid != 0).then_some(value)
    }
}

/// Whether a node lives and something is connected to its signal.
pub(crate) fn is_heard(node: InstanceId, signal: &StringName) -> bool {
    let mut is_heard = sys::GDExtensionBool::default();
    // SAFETY: nothing is freed between the look for the object and the call, and the method, argument and answer are of the kinds
    // that the hash stands for.
    unsafe {
        let object = (interface().object_get_instance_from_id)(node.to_i64().cast_unsigned());
        if object.is_null() {
            return false;
        }
        let arguments = [signal.string_sys().cast()];
        (interface().object_method_bind_ptrcall)(
            has_connections().0,
            object,
            arguments.as_ptr(),
            (&raw mut is_heard).cast(),
        );
    }
    is_heard != 0
}

fn has_connections() -> &'static sys::ClassMethodBind {
    static METHOD: OnceLock<sys::ClassMethodBind> = OnceLock::new();
    METHOD.get_or_init(|| {
        let [class, method] = ["Object", "has_connections"].map(StringName::from);
        // SAFETY: both names live.
        let found = unsafe {
            (interface().classdb_get_method_bind)(
                class.string_sys(),
                method.string_sys(),
                HAS_CONNECTIONS,
            )
        };
        assert!(!found.is_null(), "gdext has found it when it was loaded");
        sys::ClassMethodBind(found)
    })
}

/// The engine's functions, asked for once.
fn interface() -> &'static sys::GDExtensionInterface {
    static INTERFACE: OnceLock<&sys::GDExtensionInterface> = OnceLock::new();
    // SAFETY: there is no Variant before the engine has told its functions.
    INTERFACE.get_or_init(|| unsafe { sys::get_interface() })
}
