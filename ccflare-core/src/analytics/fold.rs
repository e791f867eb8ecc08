//! Cells in, an answer out.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::{Cell, Counts, Dimensions, Histogram, Minute, Packed, Question};
use crate::domain::{AccountId, ClientKeyId};

/// What requests with something in common add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The sums.
    pub counts: Counts,
    /// Microseconds from arrival to end.
    pub durations: Histogram,
    /// Microseconds from arrival to the first content; of all and of models only.
    pub first_tokens: Histogram,
    /// Thousandths of tokens a second; of all and of models only.
    pub speeds: Histogram,
}

/// What requests of one model in one piece of time add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The beginning of the piece.
    pub start: Minute,
    /// The model.
    pub model: Option<Arc<str>>,
    /// The sums.
    pub counts: Counts,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Everything.
    pub total: Group,
    /// By account; most requests first, here and below.
    pub accounts: Vec<(Option<AccountId>, Group)>,
    /// By client key.
    pub client_keys: Vec<(Option<ClientKeyId>, Group)>,
    /// By model.
    pub models: Vec<(Option<Arc<str>>, Group)>,
    /// By agent.
    pub agents: Vec<(Option<Arc<str>>, Group)>,
    /// By time and model, in order of time; only those that something happened in.
    pub buckets: Vec<Bucket>,
    /// By day (UTC), in order.
    pub days: Vec<(Minute, Counts)>,
}

/// Dimensions that the fold has made room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series(usize);

/// Where the cells of one series are added.
#[derive(Clone, Copy, Debug)]
struct Places {
    account: usize,
    client_key: usize,
    model: usize,
    agent: usize,
    success: bool,
}

/// Adds cells up.
#[derive(Debug)]
pub struct Fold<'a> {
    question: &'a Question,
    series: Vec<Places>,
    accounts: Names<Option<AccountId>>,
    client_keys: Names<Option<ClientKeyId>>,
    models: Names<Option<Arc<str>>>,
    agents: Names<Option<Arc<str>>>,
    sums: Sums,
    /// The piece of time that is being added up, by model; cells come in order of time.
    piece: Minute,
    of_piece: Vec<Option<Counts>>,
    buckets: Vec<(Minute, usize, Counts)>,
}

impl<'a> Fold<'a> {
    /// Nothing yet.
    #[must_use]
    pub fn new(question: &'a Question) -> Self {
        Self {
            question,
            series: Vec::new(),
            accounts: Names::default(),
            client_keys: Names::default(),
            models: Names::default(),
            agents: Names::default(),
            sums: Sums::default(),
            piece: Minute::default(),
            of_piece: Vec::new(),
            buckets: Vec::new(),
        }
    }

    /// Makes room for cells of these dimensions; `None` if they are not asked for. Each time is another series.
    pub fn series(&mut self, dimensions: &Dimensions) -> Option<Series> {
        if !self.question.filter.admits(dimensions) {
            return None;
        }
        self.series.push(Places {
            account: self.accounts.place(&dimensions.account),
            client_key: self.client_keys.place(&dimensions.client_key),
            model: self.models.place(&dimensions.model),
            agent: self.agents.place(&dimensions.agent),
            success: dimensions.success,
        });
        Some(Series(self.series.len() - 1))
    }

    /// Adds a cell of a series; it begins at `start`, and ends within the same bucket.
    pub fn add(&mut self, series: Series, start: Minute, cell: &Cell) {
        let [mut durations, mut first_tokens, mut speeds] = [const { Vec::new() }; 3];
        cell.durations.encode(&mut durations);
        cell.first_tokens.encode(&mut first_tokens);
        cell.speeds.encode(&mut speeds);
        let counts = cell.counts.clone();
        let packed = Packed { counts, durations: &durations, first_tokens: &first_tokens, speeds: &speeds };
        let is_cell = self.add_packed(series, start, packed);
        debug_assert!(is_cell, "sketches are read as they are written");
    }

    /// The same with a cell as it is stored, or says that its bytes are no sketches.
    pub fn add_packed(&mut self, series: Series, start: Minute, mut cell: Packed<'_>) -> bool {
        let places = self.series[series.0];
        cell.counts.succeeded = if places.success { cell.counts.requests } else { 0 };
        self.add_to_bucket(places.model, start, &cell.counts);
        if !self.question.distributions {
            [cell.durations, cell.first_tokens, cell.speeds] = [&[]; 3];
        }
        self.sums.add(places, &cell)
    }

    /// Adds a cell of a series to a piece of time that is added up apart, or says that its bytes are no sketches.
    pub fn add_apart(&self, apart: &mut Apart, series: Series, mut cell: Packed<'_>) -> bool {
        let places = self.series[series.0];
        cell.counts.succeeded = if places.success { cell.counts.requests } else { 0 };
        apart.0.add(places, &cell)
    }

    /// What a piece of time that was added up apart comes to.
    #[must_use]
    pub fn margin(&self, apart: &Apart) -> Margin {
        let Sums { accounts, client_keys, models, agents } = &apart.0;
        Margin {
            accounts: self.accounts.named(accounts),
            client_keys: self.client_keys.named(client_keys),
            models: self.models.named(models),
            agents: self.agents.named(agents),
        }
    }

    /// Adds a piece of time that begins at `start`, and ends within the same bucket. It has all that is asked for of
    /// that time.
    pub fn add_margin(&mut self, start: Minute, margin: &Margin) {
        let whole = self.question.distributions;
        for (model, sum) in &margin.models {
            let place = self.models.place(model);
            self.add_to_bucket(place, start, &sum.counts);
            sum.add_to(group(&mut self.sums.models, place), whole);
        }
        for (id, sum) in &margin.accounts {
            sum.add_to(group(&mut self.sums.accounts, self.accounts.place(id)), whole);
        }
        for (id, sum) in &margin.client_keys {
            sum.add_to(group(&mut self.sums.client_keys, self.client_keys.place(id)), whole);
        }
        for (name, sum) in &margin.agents {
            sum.add_to(group(&mut self.sums.agents, self.agents.place(name)), whole);
        }
    }

    fn add_to_bucket(&mut self, model: usize, start: Minute, counts: &Counts) {
        if self.question.bucket == u32::MAX {
            return;
        }
        let piece = start.floor(self.question.bucket.max(1));
        if piece != self.piece {
            self.end_piece();
            self.piece = piece;
        }
        if self.of_piece.len() < self.models.0.len() {
            self.of_piece.resize(self.models.0.len(), None);
        }
        self.of_piece[model].get_or_insert_default().merge(counts);
    }

    /// Puts the piece of time that is over away.
    fn end_piece(&mut self) {
        let models = self.of_piece.iter_mut().enumerate();
        self.buckets.extend(models.filter_map(|(model, counts)| Some((self.piece, model, counts.take()?))));
    }

    /// All that was added.
    #[must_use]
    pub fn finish(mut self) -> Answer {
        self.end_piece();
        let mut total = Group::default();
        // Each request has one model, so that all of them are those of the models together.
        for model in &self.sums.models {
            total.counts.merge(&model.counts);
            total.durations.merge(&model.durations);
            total.first_tokens.merge(&model.first_tokens);
            total.speeds.merge(&model.speeds);
        }
        let mut days: BTreeMap<Minute, Counts> = BTreeMap::new();
        for (start, _, counts) in &self.buckets {
            days.entry(start.floor(super::Level::Day.minutes())).or_default().merge(counts);
        }
        let models = self.models.in_order();
        let bucket =
            |(start, model, counts): (Minute, usize, Counts)| Bucket { start, model: models[model].clone(), counts };
        let mut buckets: Vec<_> = self.buckets.into_iter().map(bucket).collect();
        buckets.sort_by(|a, b| (a.start, &a.model).cmp(&(b.start, &b.model)));
        Answer {
            total,
            accounts: self.accounts.groups(self.sums.accounts),
            client_keys: self.client_keys.groups(self.sums.client_keys),
            agents: self.agents.groups(self.sums.agents),
            models: self.models.groups(self.sums.models),
            buckets,
            days: days.into_iter().collect(),
        }
    }
}

/// Groups by each of the dimensions; who they are, the fold knows.
#[derive(Debug, Default)]
struct Sums {
    accounts: Vec<Group>,
    client_keys: Vec<Group>,
    models: Vec<Group>,
    agents: Vec<Group>,
}

impl Sums {
    fn add(&mut self, places: Places, cell: &Packed<'_>) -> bool {
        let account = group(&mut self.accounts, places.account);
        let client_key = group(&mut self.client_keys, places.client_key);
        let model = group(&mut self.models, places.model);
        let agent = group(&mut self.agents, places.agent);
        for group in [&mut *account, &mut *client_key, &mut *model, &mut *agent] {
            group.counts.merge(&cell.counts);
        }
        let durations = [&mut account.durations, &mut client_key.durations, &mut model.durations, &mut agent.durations];
        Histogram::add_encoded(durations, cell.durations)
            && Histogram::add_encoded([&mut model.first_tokens], cell.first_tokens)
            && Histogram::add_encoded([&mut model.speeds], cell.speeds)
    }
}

fn group(groups: &mut Vec<Group>, place: usize) -> &mut Group {
    if groups.len() <= place {
        groups.resize_with(place + 1, Group::default);
    }
    &mut groups[place]
}

/// A piece of time that is added up apart, see [`Fold::add_apart`].
#[derive(Debug, Default)]
pub struct Apart(Sums);

/// What is asked for of a piece of time adds up to, by each dimension alone, in little room.
#[derive(Debug, Default)]
pub struct Margin {
    accounts: Vec<(Option<AccountId>, Sum)>,
    client_keys: Vec<(Option<ClientKeyId>, Sum)>,
    models: Vec<(Option<Arc<str>>, Sum)>,
    agents: Vec<(Option<Arc<str>>, Sum)>,
}

impl Margin {
    /// How many bytes it takes in memory.
    #[must_use]
    pub fn size(&self) -> usize {
        let named = |sum: &Sum| size_of::<(Option<Arc<str>>, Sum)>() + sum.bytes.len();
        let named_by_id = |sum: &Sum| size_of::<(Option<AccountId>, Sum)>() + sum.bytes.len();
        size_of::<Self>()
            + self.accounts.iter().map(|(_, sum)| named_by_id(sum)).sum::<usize>()
            + self.client_keys.iter().map(|(_, sum)| named_by_id(sum)).sum::<usize>()
            + self.models.iter().chain(&self.agents).map(|(_, sum)| named(sum)).sum::<usize>()
    }
}

/// A group whose distributions are the bytes of sketches.
#[derive(Debug)]
struct Sum {
    counts: Counts,
    bytes: Box<[u8]>,
    /// Where the durations end, and the times of first tokens.
    ends: [usize; 2],
}

impl Sum {
    fn of(group: &Group) -> Self {
        let mut bytes = Vec::new();
        group.durations.encode(&mut bytes);
        let durations = bytes.len();
        group.first_tokens.encode(&mut bytes);
        let ends = [durations, bytes.len()];
        group.speeds.encode(&mut bytes);
        Self { counts: group.counts.clone(), bytes: bytes.into(), ends }
    }

    fn add_to(&self, group: &mut Group, distributions: bool) {
        group.counts.merge(&self.counts);
        if !distributions {
            return;
        }
        let ([durations, first_tokens], bytes) = (self.ends, &self.bytes);
        let is_sum = Histogram::add_encoded([&mut group.durations], &bytes[..durations])
            && Histogram::add_encoded([&mut group.first_tokens], &bytes[durations..first_tokens])
            && Histogram::add_encoded([&mut group.speeds], &bytes[first_tokens..]);
        debug_assert!(is_sum, "histograms are read as they are written");
    }
}

/// Numbers for what groups are told apart by.
#[derive(Debug)]
struct Names<K>(HashMap<K, usize, RandomState>);

impl<K> Default for Names<K> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Clone + Eq + Hash + Ord> Names<K> {
    fn place(&mut self, key: &K) -> usize {
        if let Some(place) = self.0.get(key) {
            return *place;
        }
        self.0.insert(key.clone(), self.0.len());
        self.0.len() - 1
    }

    fn in_order(&self) -> Vec<K> {
        let mut names: Vec<_> = self.0.iter().map(|(name, place)| (*place, name.clone())).collect();
        names.sort_unstable_by_key(|(place, _)| *place);
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// Those that something was added to, with their names, most requests first.
    fn groups(&self, groups: Vec<Group>) -> Vec<(K, Group)> {
        let named = self.in_order().into_iter().zip(groups);
        let mut groups: Vec<_> = named.filter(|(_, group)| group.counts.requests > 0).collect();
        groups.sort_by(|(a, x), (b, y)| y.counts.requests.cmp(&x.counts.requests).then_with(|| a.cmp(b)));
        groups
    }

    fn named(&self, groups: &[Group]) -> Vec<(K, Sum)> {
        let named = self.in_order().into_iter().zip(groups);
        named.filter(|(_, group)| group.counts.requests > 0).map(|(name, group)| (name, Sum::of(group))).collect()
    }
}
