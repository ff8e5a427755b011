//! From the values of a document to the structs of the syntax, places kept.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer, U32Deserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::place::{NODE, SPANNED};
use crate::yaml::{Content, Document, NodeId};

/// Reads the value at `id`, the values in `dropped` left out.
pub(crate) fn read<'de, T: Deserialize<'de>>(
    document: &'de Document,
    dropped: &HashSet<NodeId>,
    id: NodeId,
) -> Result<T, Error> {
    T::deserialize(Reader {
        document,
        dropped,
        id,
    })
}

#[derive(Clone, Copy)]
struct Reader<'de, 's> {
    document: &'de Document,
    dropped: &'s HashSet<NodeId>,
    id: NodeId,
}

impl<'de, 's> Reader<'de, 's> {
    fn children(self) -> Children<'de, 's> {
        Children {
            reader: self,
            ids: self.document.children(self.id).iter(),
            value: None,
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'de, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.document.node(self.id).content {
            Content::Null => visitor.visit_unit(),
            Content::Bool(value) => visitor.visit_bool(*value),
            Content::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Content::Text(text) => visitor.visit_borrowed_str(text),
            Content::List(_) => visitor.visit_seq(self.children()),
            Content::Map(_) => visitor.visit_map(self.children()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == NODE {
            visitor.visit_u32(self.id.0)
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == SPANNED {
            visitor.visit_seq(PlaceThenValue {
                reader: self,
                given: 0,
            })
        } else {
            self.deserialize_any(visitor)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let text = self.document.text(self.id).unwrap_or_default();
        visitor.visit_enum(StrDeserializer::<Error>::new(text))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple map struct identifier ignored_any
    }
}

/// The values inside a list or map that were not dropped.
struct Children<'de, 's> {
    reader: Reader<'de, 's>,
    ids: std::slice::Iter<'de, NodeId>,
    value: Option<NodeId>,
}

impl<'de, 's> Children<'de, 's> {
    fn next(&mut self) -> Option<Reader<'de, 's>> {
        let dropped = self.reader.dropped;
        let id = self
            .ids
            .by_ref()
            .copied()
            .find(|id| !dropped.contains(id))?;
        Some(Reader { id, ..self.reader })
    }
}

impl<'de> SeqAccess<'de> for Children<'de, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.next().map(|child| seed.deserialize(child)).transpose()
    }
}

impl<'de> MapAccess<'de> for Children<'de, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(child) = self.next() else {
            return Ok(None);
        };
        self.value = Some(child.id);
        let key = self.reader.document.key(child.id).unwrap_or_default();
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let id = self.value.take().unwrap_or(self.reader.id);
        seed.deserialize(Reader { id, ..self.reader })
    }
}

struct PlaceThenValue<'de, 's> {
    reader: Reader<'de, 's>,
    given: u8,
}

impl<'de> SeqAccess<'de> for PlaceThenValue<'de, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.given += 1;
        match self.given {
            1 => seed.deserialize(Place(self.reader.id)).map(Some),
            2 => seed.deserialize(self.reader).map(Some),
            _ => Ok(None),
        }
    }
}

struct Place(NodeId);

impl<'de> Deserializer<'de> for Place {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let id: U32Deserializer<Error> = self.0.0.into_deserializer();
        id.deserialize_u32(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple map struct identifier ignored_any option newtype_struct
        tuple_struct enum
    }
}
