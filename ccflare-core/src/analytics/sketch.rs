//! How values are distributed, in little room: a histogram whose buckets grow with the values.
//!
//! Each power of two is cut into 32 buckets of equal width, so a bucket's middle is within 1/64 of each value in it. All
//! sketches have the same buckets: merging adds counts, loses nothing, and the order does not matter. No floats are
//! involved until a quantile is asked for.

/// A quantile is at most this part away from the value that has that rank.
pub const RELATIVE_ERROR: f64 = 1.0 / 64.0;

/// Buckets of each power of two: 2⁵.
const BITS: u32 = 5;

/// Larger values count as this: twelve days in microseconds.
const LARGEST: u64 = (1 << 40) - 1;

/// How many buckets there are.
const LENGTH: usize = bucket(LARGEST) as usize + 1;

/// Up to 63, each value has a bucket of its own; then 32 share each doubling.
const fn bucket(value: u64) -> u16 {
    let value = if value > LARGEST { LARGEST } else { value };
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(BITS + 1);
    // At most 34 · 32 + 63.
    ((shift as u64) << BITS) as u16 + (value >> shift) as u16
}

/// The middle of a bucket.
fn middle(bucket: u16) -> u64 {
    let shift = u32::from(bucket >> BITS).saturating_sub(1);
    let first = (u64::from(bucket) - (u64::from(shift) << BITS)) << shift;
    first + ((1 << shift) >> 1)
}

/// The distribution of few values, as it is stored: its buckets in order, without the empty ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch(Vec<(u16, u64)>);

impl Sketch {
    /// Counts a value.
    pub fn insert(&mut self, value: u64) {
        self.add(bucket(value), 1);
    }

    fn add(&mut self, bucket: u16, count: u64) {
        match self.0.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(place) => self.0[place].1 = self.0[place].1.saturating_add(count),
            Err(place) => self.0.insert(place, (bucket, count)),
        }
    }

    /// Counts all that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(bucket, count)| self.add(*bucket, *count));
    }

    /// How many values it has counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Appends its bytes: for each bucket how far it is from the one before, and its count unless that is 1.
    pub fn encode(&self, into: &mut Vec<u8>) {
        let mut last = 0;
        for (bucket, count) in &self.0 {
            let more = u64::from(*count != 1);
            write_varint(u64::from(bucket - last) << 1 | more, into);
            if more == 1 {
                write_varint(*count, into);
            }
            last = *bucket;
        }
    }

    /// Puts what bytes say in the place of what it holds, or says that they are no sketch.
    #[must_use]
    pub fn decode(&mut self, mut bytes: &[u8]) -> bool {
        self.0.clear();
        let mut last = 0_u64;
        while !bytes.is_empty() {
            let Some(step) = read_varint(&mut bytes) else { return false };
            let Some(count) = (if step & 1 == 1 { read_varint(&mut bytes) } else { Some(1) }) else { return false };
            last = last.saturating_add(step >> 1);
            match u16::try_from(last) {
                Ok(bucket) if usize::from(bucket) < LENGTH => self.0.push((bucket, count)),
                _ => return false,
            }
        }
        true
    }
}

fn write_varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

#[inline]
fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if *byte < 0x80 {
            return Some(value);
        }
        shift += 7;
    }
}

/// The distribution of many values, as it is added up: a count for every bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; LENGTH], count: 0 }
    }
}

impl Histogram {
    /// Counts all that `sketch` has counted.
    pub fn add(&mut self, sketch: &Sketch) {
        for (bucket, count) in &sketch.0 {
            self.counts[usize::from(*bucket)] += count;
            self.count += count;
        }
    }

    /// Counts all that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.count += other.count;
    }

    /// How many values it has counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The value below or at which the part `q` (0 to 1) of all values lie, by nearest rank; `None` if there is none.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let rank = ((q * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(middle(found as u16))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sketch(values: &[u64]) -> Sketch {
        let mut sketch = Sketch::default();
        values.iter().for_each(|value| sketch.insert(*value));
        sketch
    }

    /// Values of all sizes alike.
    fn value() -> impl Strategy<Value = u64> {
        (0_u32..40, any::<u64>()).prop_map(|(bits, chance)| chance % (1 << bits).max(1))
    }

    #[test]
    fn buckets_follow_one_another_without_a_gap() {
        let mut last = 0;
        for value in 0..100_000 {
            let this = bucket(value);
            assert!(this == last || this == last + 1, "{value}");
            last = this;
        }
        assert_eq!((bucket(63), bucket(64), bucket(u64::MAX) as usize), (63, 64, LENGTH - 1));
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    proptest! {
        #[test]
        fn a_middle_is_near_each_value_of_its_bucket(value in value()) {
            let off = middle(bucket(value)).abs_diff(value) as f64;
            prop_assert!(off <= value as f64 * RELATIVE_ERROR);
        }

        #[test]
        fn a_quantile_is_near_the_value_of_that_rank(values in prop::collection::vec(value(), 1..200), q in 0.0..=1.0_f64) {
            let mut histogram = Histogram::default();
            histogram.add(&sketch(&values));
            let mut sorted = values;
            sorted.sort_unstable();
            let rank = ((q * sorted.len() as f64).ceil() as usize).max(1);
            let exact = sorted[rank - 1] as f64;
            let found = histogram.quantile(q).expect("there are values") as f64;
            prop_assert!((found - exact).abs() <= exact * RELATIVE_ERROR, "{found} for {exact}");
        }

        #[test]
        fn merging_is_the_same_as_counting_together(
            a in prop::collection::vec(value(), 0..50),
            b in prop::collection::vec(value(), 0..50),
        ) {
            let together = sketch(&[a.clone(), b.clone()].concat());
            let mut merged = sketch(&a);
            merged.merge(&sketch(&b));
            prop_assert_eq!(&merged, &together);
            let mut added = Histogram::default();
            added.add(&sketch(&b));
            added.add(&sketch(&a));
            prop_assert_eq!(added.count(), together.count());
            let (mut first, mut second) = (Histogram::default(), Histogram::default());
            first.add(&sketch(&a));
            second.add(&sketch(&b));
            first.merge(&second);
            prop_assert_eq!(first, added);
        }

        #[test]
        fn bytes_and_back(values in prop::collection::vec(value(), 0..50)) {
            let (mut bytes, mut read) = (Vec::new(), sketch(&[7]));
            sketch(&values).encode(&mut bytes);
            prop_assert!(read.decode(&bytes));
            prop_assert_eq!(read, sketch(&values));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut read = Sketch::default();
            if read.decode(&bytes) {
                Histogram::default().add(&read);
            }
        }
    }
}
