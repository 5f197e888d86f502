//! A map that is one vector in key order: for few entries, or for many that come in their order. Looking up takes as long
//! as in a tree; adding in between moves what is behind.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SortedMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V> From<[(K, V); 1]> for SortedMap<K, V> {
    fn from(only: [(K, V); 1]) -> Self {
        Self(only.into())
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: core::borrow::Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        self.0.get_mut(place).map(|(_, value)| value)
    }

    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: core::borrow::Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// Changes the value of the key, which is the default one if there was none.
    pub(crate) fn update(&mut self, key: K, change: impl FnOnce(&mut V))
    where
        V: Default,
    {
        match self.place(&key) {
            Ok(place) => {
                if let Some((_, value)) = self.0.get_mut(place) {
                    change(value);
                }
            }
            Err(place) => {
                let mut value = V::default();
                change(&mut value);
                self.0.insert(place, (key, value));
            }
        }
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => {
                if let Some((_, held)) = self.0.get_mut(place) {
                    *held = value;
                }
            }
            Err(place) => self.0.insert(place, (key, value)),
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: core::borrow::Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        Some(self.0.remove(place).1)
    }

    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|(key, value)| keeps(key, value));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn last_key(&self) -> Option<&K> {
        self.0.last().map(|(key, _)| key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Where a key is, or where it would have to be.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: core::borrow::Borrow<Q>,
    {
        // Most come in their order.
        match self.0.last() {
            Some((last, _)) if last.borrow() < key => Err(self.0.len()),
            Some(_) | None => self.0.binary_search_by(|(each, _)| each.borrow().cmp(key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Beside a tree, whatever is done.
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
