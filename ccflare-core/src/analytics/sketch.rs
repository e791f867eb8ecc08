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

    /// Forgets all values, and keeps its memory.
    pub fn clear(&mut self) {
        self.0.clear();
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
        write(self.0.iter().copied(), into);
    }

    /// Puts what bytes say in the place of what it holds, or says that they are no sketch.
    #[must_use]
    pub fn decode(&mut self, bytes: &[u8]) -> bool {
        self.0.clear();
        read(bytes, |bucket, count| self.0.push((bucket as u16, count)))
    }
}

/// Reads what [`Sketch::encode`] has written, bucket by bucket, or says that it has not.
#[inline]
pub(super) fn read(mut bytes: &[u8], mut each: impl FnMut(usize, u64)) -> bool {
    let mut last = 0_u64;
    while !bytes.is_empty() {
        let Some(step) = read_varint(&mut bytes) else { return false };
        let Some(count) = (if step & 1 == 1 { read_varint(&mut bytes) } else { Some(1) }) else { return false };
        last = last.saturating_add(step >> 1);
        let bucket = last as usize;
        if bucket >= LENGTH {
            return false;
        }
        each(bucket, count);
    }
    true
}

/// Appends the bytes of buckets that are in order and not empty.
fn write(buckets: impl Iterator<Item = (u16, u64)>, into: &mut Vec<u8>) {
    let mut last = 0;
    for (bucket, count) in buckets {
        let more = u64::from(count != 1);
        write_varint(u64::from(bucket - last) << 1 | more, into);
        if more == 1 {
            write_varint(count, into);
        }
        last = bucket;
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
    match **bytes {
        // Nearly all of them.
        [byte @ ..0x80, ref rest @ ..] => {
            *bytes = rest;
            Some(byte.into())
        }
        [first, second @ ..0x80, ref rest @ ..] => {
            *bytes = rest;
            Some(u64::from(first & 0x7f) | u64::from(second) << 7)
        }
        _ => read_long_varint(bytes),
    }
}

#[cold]
fn read_long_varint(bytes: &mut &[u8]) -> Option<u64> {
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

/// The distribution of many values, as it is added up: a count for every bucket, once there is something to count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: Option<Box<[u64; LENGTH]>>,
    count: u64,
}

impl Histogram {
    /// Counts all that the [bytes of a sketch](Sketch::encode) say, in each of these, or says that they are no sketch.
    #[inline]
    pub(super) fn add_encoded<const N: usize>(mut all: [&mut Self; N], bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        let mut total = 0_u64;
        let mut counts = all.each_mut().map(|one| one.counts());
        let is_sketch = read(bytes, |bucket, count| {
            total = total.saturating_add(count);
            counts.iter_mut().for_each(|counts| counts[bucket] = counts[bucket].saturating_add(count));
        });
        all.iter_mut().for_each(|one| one.count = one.count.saturating_add(total));
        is_sketch
    }

    fn counts(&mut self) -> &mut [u64; LENGTH] {
        self.counts.get_or_insert_with(|| Box::new([0; LENGTH]))
    }

    /// Counts all that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        if let Some(more) = &other.counts {
            self.counts().iter_mut().zip(&**more).for_each(|(count, more)| *count = count.saturating_add(*more));
            self.count = self.count.saturating_add(other.count);
        }
    }

    /// Its bytes, which are those of a [`Sketch`] of the same values.
    pub(super) fn encode(&self, into: &mut Vec<u8>) {
        let buckets = self.counts.iter().flat_map(|counts| (0_u16..).zip(counts.iter().copied()));
        write(buckets.filter(|(_, count)| *count > 0), into);
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
        let found = self.counts.as_ref()?.iter().position(|count| {
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

    fn add(histogram: &mut Histogram, sketch: &Sketch) {
        let mut bytes = Vec::new();
        sketch.encode(&mut bytes);
        assert!(Histogram::add_encoded([histogram], &bytes));
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
            add(&mut histogram, &sketch(&values));
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
            add(&mut added, &sketch(&b));
            add(&mut added, &sketch(&a));
            prop_assert_eq!(added.count(), together.count());
            let (mut first, mut second) = (Histogram::default(), Histogram::default());
            add(&mut first, &sketch(&a));
            add(&mut second, &sketch(&b));
            first.merge(&second);
            prop_assert_eq!(&first, &added);
            let (mut bytes, mut expected) = (Vec::new(), Vec::new());
            added.encode(&mut bytes);
            together.encode(&mut expected);
            prop_assert_eq!(bytes, expected);
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
            let is_sketch = Sketch::default().decode(&bytes);
            let (mut one, mut other) = (Histogram::default(), Histogram::default());
            prop_assert_eq!(Histogram::add_encoded([&mut one, &mut other], &bytes), is_sketch);
            prop_assert_eq!(one, other);
        }
    }
}
