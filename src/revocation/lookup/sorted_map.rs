//! A sorted map of two vectors, for few entries or for many that arrive in order. A lookup reads only the keys, which
//! are contiguous; an insertion in the middle moves everything after it.

use core::borrow::Borrow;

/// Always as many values as keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SortedMap<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self { keys: Vec::new(), values: Vec::new() }
    }
}

impl<K, V> From<[(K, V); 1]> for SortedMap<K, V> {
    fn from([(key, value)]: [(K, V); 1]) -> Self {
        Self { keys: vec![key], values: vec![value] }
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.values.get(self.place(key).ok()?)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        self.values.get_mut(place)
    }

    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// Changes the value of the key, starting from the default if the key is new.
    pub(crate) fn update(&mut self, key: K, change: impl FnOnce(&mut V))
    where
        V: Default,
    {
        if let Some(value) = self.entry(key) {
            change(value);
        }
    }

    /// Returns the value of the key, inserting the default if the key is new. Never `None`.
    fn entry(&mut self, key: K) -> Option<&mut V>
    where
        V: Default,
    {
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                self.keys.insert(place, key);
                self.values.insert(place, V::default());
                place
            }
        };
        self.values.get_mut(place)
    }

    /// Adds an entry whose key is greater than every other.
    pub(crate) fn push(&mut self, key: K, value: V) {
        debug_assert!(self.last_key().is_none_or(|last| *last < key), "keys in order");
        self.keys.push(key);
        self.values.push(value);
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => {
                if let Some(held) = self.values.get_mut(place) {
                    *held = value;
                }
            }
            Err(place) => {
                self.keys.insert(place, key);
                self.values.insert(place, value);
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        self.keys.remove(place);
        Some(self.values.remove(place))
    }

    pub(crate) fn retain(&mut self, keeps: impl Fn(&K, &V) -> bool) {
        if self.iter().all(|(key, value)| keeps(key, value)) {
            return;
        }
        let all = core::mem::take(&mut self.keys).into_iter().zip(core::mem::take(&mut self.values));
        (self.keys, self.values) = all.filter(|(key, value)| keeps(key, value)).unzip();
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn last_key(&self) -> Option<&K> {
        self.keys.last()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.keys.iter().zip(&self.values)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.keys.iter()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter()
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.iter_mut()
    }

    /// The index of a key, or the index at which to insert it.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.keys.binary_search_by(|each| each.borrow().cmp(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Compares random operations with a `BTreeMap`.
    #[test]
    fn as_a_tree() {
        let (mut ours, mut tree) = (SortedMap::default(), BTreeMap::new());
        let mut random = 1_u32;
        for step in 0_u32..10_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = random >> 24;
            match random >> 8 & 7 {
                0 => assert_eq!(ours.remove(&key), tree.remove(&key)),
                1 | 2 => {
                    ours.insert(key, step);
                    tree.insert(key, step);
                }
                3 if step % 64 == 0 => {
                    ours.retain(|key, value| (key ^ value) & 3 != 0);
                    tree.retain(|key, value| (*key ^ *value) & 3 != 0);
                }
                _ => {
                    ours.update(key, |value| *value += 1);
                    *tree.entry(key).or_default() += 1;
                }
            }
            assert_eq!(ours.get(&(key ^ 1)), tree.get(&(key ^ 1)));
            assert_eq!(ours.contains_key(&key), tree.contains_key(&key));
            assert_eq!(ours.last_key(), tree.last_key_value().map(|(key, _)| key));
        }
        assert!(ours.iter().eq(&tree));
        assert_eq!(ours.len(), tree.len());
    }
}
