//! Cells in, an answer out.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
};

use super::{Cell, Counts, Dimensions, Histogram, Minute, Question};
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
#[derive(Debug)]
struct Places {
    account: usize,
    client_key: usize,
    model: usize,
    agent: usize,
    success: bool,
    counts: Counts,
}

/// Adds cells up.
#[derive(Debug)]
pub struct Fold<'a> {
    question: &'a Question,
    series: Vec<Places>,
    total: Group,
    accounts: Groups<Option<AccountId>>,
    client_keys: Groups<Option<ClientKeyId>>,
    models: Groups<Option<Arc<str>>>,
    agents: Groups<Option<Arc<str>>>,
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
            total: Group::default(),
            accounts: Groups::default(),
            client_keys: Groups::default(),
            models: Groups::default(),
            agents: Groups::default(),
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
            counts: Counts::default(),
        });
        Some(Series(self.series.len() - 1))
    }

    /// Adds a cell that begins at `start`, which the caller knows to lie within the question's time and not before that of
    /// the cell added last.
    pub fn add(&mut self, series: Series, start: Minute, cell: &Cell) {
        let places = &mut self.series[series.0];
        places.counts.merge(&cell.counts);
        // Sums are the same for all groups and wait until the end; distributions can't be kept for every series. Each
        // series has one model, so that those of all are those of the models together.
        let model = &mut self.models.groups[places.model].1;
        model.durations.add(&cell.durations);
        model.first_tokens.add(&cell.first_tokens);
        model.speeds.add(&cell.speeds);
        self.accounts.groups[places.account].1.durations.add(&cell.durations);
        self.client_keys.groups[places.client_key].1.durations.add(&cell.durations);
        self.agents.groups[places.agent].1.durations.add(&cell.durations);
        if self.question.bucket < u32::MAX {
            let (place, success) = (places.model, places.success);
            self.begin_piece(start.floor(self.question.bucket.max(1)));
            let counts = self.of_piece[place].get_or_insert_default();
            // Whether they succeeded is for the series to say.
            let succeeded = counts.succeeded + if success { cell.counts.requests } else { 0 };
            counts.merge(&cell.counts);
            counts.succeeded = succeeded;
        }
    }

    /// Puts the piece of time that is over away, if one is.
    fn begin_piece(&mut self, piece: Minute) {
        if piece != self.piece {
            self.end_piece();
            self.piece = piece;
        }
        if self.of_piece.len() < self.models.groups.len() {
            self.of_piece.resize(self.models.groups.len(), None);
        }
    }

    fn end_piece(&mut self) {
        let models = self.of_piece.iter_mut().enumerate();
        self.buckets.extend(models.filter_map(|(model, counts)| Some((self.piece, model, counts.take()?))));
    }

    /// All that was added.
    #[must_use]
    pub fn finish(mut self) -> Answer {
        self.end_piece();
        for places in &mut self.series {
            places.counts.succeeded = if places.success { places.counts.requests } else { 0 };
            self.total.counts.merge(&places.counts);
            self.accounts.groups[places.account].1.counts.merge(&places.counts);
            self.client_keys.groups[places.client_key].1.counts.merge(&places.counts);
            self.models.groups[places.model].1.counts.merge(&places.counts);
            self.agents.groups[places.agent].1.counts.merge(&places.counts);
        }
        for (_, model) in &self.models.groups {
            self.total.durations.merge(&model.durations);
            self.total.first_tokens.merge(&model.first_tokens);
            self.total.speeds.merge(&model.speeds);
        }
        let mut days: BTreeMap<Minute, Counts> = BTreeMap::new();
        for (start, _, counts) in &self.buckets {
            days.entry(start.floor(super::Level::Day.minutes())).or_default().merge(counts);
        }
        let names: Vec<_> = self.models.groups.iter().map(|(model, _)| model.clone()).collect();
        let bucket =
            |(start, model, counts): (Minute, usize, Counts)| Bucket { start, model: names[model].clone(), counts };
        let mut buckets: Vec<_> = self.buckets.into_iter().map(bucket).collect();
        buckets.sort_by(|a, b| (a.start, &a.model).cmp(&(b.start, &b.model)));
        Answer {
            total: self.total,
            accounts: self.accounts.finish(),
            client_keys: self.client_keys.finish(),
            models: self.models.finish(),
            agents: self.agents.finish(),
            buckets,
            days: days.into_iter().collect(),
        }
    }
}

/// Groups by one thing.
#[derive(Debug)]
struct Groups<K> {
    places: HashMap<K, usize>,
    groups: Vec<(K, Group)>,
}

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self { places: HashMap::new(), groups: Vec::new() }
    }
}

impl<K: Clone + Eq + Hash + Ord> Groups<K> {
    fn place(&mut self, key: &K) -> usize {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        self.places.insert(key.clone(), self.groups.len());
        self.groups.push((key.clone(), Group::default()));
        self.groups.len() - 1
    }

    /// Those that something was added to, most requests first.
    fn finish(self) -> Vec<(K, Group)> {
        let mut groups: Vec<_> = self.groups.into_iter().filter(|(_, group)| group.counts.requests > 0).collect();
        groups.sort_by(|(a, x), (b, y)| y.counts.requests.cmp(&x.counts.requests).then_with(|| a.cmp(b)));
        groups
    }
}
