//! Counters that add up: one per kind of a closed enum, and structs of them.
//!
//! Everything a recorder keeps besides histograms is a [`Counts`]; it starts at zero, is taken by being replaced with
//! zeroes, and merges by addition, so it does not matter in which order shards are merged.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A closed enum whose variants can index an array.
pub trait Kind: Copy + 'static {
    /// One counter for each variant.
    type Slots: Default + Clone + AsRef<[u64]> + AsMut<[u64]>;
    /// All variants in the order of their indexes.
    const ALL: &'static [Self];
    /// The variant's place in [`Kind::ALL`].
    fn index(self) -> usize;
    /// The stable `snake_case` name used in JSON and thresholds.
    fn name(self) -> &'static str;
}

/// One counter for each variant of `K`.
#[derive(Clone)]
pub struct Tally<K: Kind>(K::Slots);

impl<K: Kind> Default for Tally<K> {
    fn default() -> Self {
        Self(K::Slots::default())
    }
}

impl<K: Kind> PartialEq for Tally<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref() == other.0.as_ref()
    }
}

impl<K: Kind> Tally<K> {
    /// Adds one of `kind`.
    pub fn add_one(&mut self, kind: K) {
        self.0.as_mut()[kind.index()] += 1;
    }

    /// How many of `kind`.
    pub fn of(&self, kind: K) -> u64 {
        self.0.as_ref()[kind.index()]
    }

    /// How many of all kinds together.
    pub fn total(&self) -> u64 {
        self.0.as_ref().iter().copied().fold(0, u64::saturating_add)
    }

    /// The kinds that were counted at least once, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (K, u64)> + '_ {
        K::ALL.iter().map(|&kind| (kind, self.of(kind))).filter(|&(_, count)| count > 0)
    }

    /// The kind counted most often; the first of equals.
    pub fn most_frequent(&self) -> Option<(K, u64)> {
        self.iter().fold(None, |best: Option<(K, u64)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        })
    }
}

impl<K: Kind> fmt::Debug for Tally<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(kind, count)| (kind.name(), count))).finish()
    }
}

/// A map of names to counts, without the zeroes.
impl<K: Kind> Serialize for Tally<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (kind, count) in self.iter() {
            map.serialize_entry(kind.name(), &count)?;
        }
        map.end()
    }
}

/// The same map; kinds that are not known here are passed over.
impl<'de, K: Kind> Deserialize<'de> for Tally<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names<K>(PhantomData<K>);
        impl<'de, K: Kind> Visitor<'de> for Names<K> {
            type Value = Tally<K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of names to counts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tally<K>, A::Error> {
                let mut tally = Tally::<K>::default();
                while let Some((name, count)) = map.next_entry::<String, u64>()? {
                    if let Some(kind) = K::ALL.iter().find(|kind| kind.name() == name) {
                        tally.0.as_mut()[kind.index()] = count;
                    }
                }
                Ok(tally)
            }
        }
        deserializer.deserialize_map(Names(PhantomData))
    }
}

/// Something that starts at zero and merges by addition.
pub trait Counts: Default + Clone + Send {
    /// Adds the counts of `other`.
    fn add(&mut self, other: &Self);
}

impl Counts for u64 {
    fn add(&mut self, other: &Self) {
        *self = self.saturating_add(*other);
    }
}

impl Counts for i64 {
    fn add(&mut self, other: &Self) {
        *self = self.saturating_add(*other);
    }
}

impl<K: Kind + Send> Counts for Tally<K>
where
    K::Slots: Send,
{
    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.as_mut().iter_mut().zip(other.0.as_ref()) {
            *mine = mine.saturating_add(*theirs);
        }
    }
}

/// Declares a struct of public counters and implements [`Counts`] for it, field by field.
macro_rules! counts {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field:ident : $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        $vis struct $name {
            $($(#[$field_meta])* #[serde(skip_serializing_if = "crate::tally::is_default")] pub $field: $ty,)*
        }

        impl $crate::tally::Counts for $name {
            fn add(&mut self, other: &Self) {
                let Self { $($field,)* } = other;
                $($crate::tally::Counts::add(&mut self.$field, $field);)*
            }
        }
    };
}
pub(crate) use counts;

/// Whether a counter is still at zero: zeroes are not written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
