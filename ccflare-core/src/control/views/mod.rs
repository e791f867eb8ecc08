//! The shapes an operator sees: the original's names and camelCase fields, and ours beside them.
//!
//! No view has a field that could hold a secret. Moments are RFC 3339 text, durations milliseconds, unknown is `null`.

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::domain::Secret;

mod accounts;
mod agents;
mod analytics;
mod audit;
mod gateway;
mod keys;
mod live;
mod logins;
mod maintenance;
mod payloads;
mod placement;
mod requests;
mod settings;

pub use accounts::{AccountEdit, AccountView, ClosureView, NewAccount, WindowView};
pub use agents::{
    AgentEdit, AgentProblemView, AgentView, AgentsView, BulkPreferenceView, OtherAgentView, PreferenceView,
    RefusedPreferenceView, RemovedAgentView, ToolMode, WorkspaceView,
};
pub use analytics::{
    AccountStats, AnalyticsMeta, AnalyticsQuery, AnalyticsView, CostBreakdown, DayCost, GroupView, ModelCost,
    ModelCount, ModelPerformance, PointView, RequestFilter, ResetView, SessionAgent, SessionDetail, SessionPage,
    SessionPageQuery, SessionView, StatsView, TokenBreakdown, TopModel, TotalsView,
};
pub use audit::{AuditQuery, AuditView};
pub use gateway::{BrowserLinkView, StatusView};
pub use keys::{ClientKeyView, NewClientKey, NewKeyView};
pub use live::{EventDetail, EventQuery, EventView, LogLevelView, LogLineView, LogPage, LogQuery};
pub use logins::{LoginView, NewLogin};
pub use maintenance::{MaintenanceResult, MaintenanceTask, MaintenanceView, SizesView, TableView};
pub use payloads::{DetailMeta, DetailSide, PayloadSideView, PayloadView, RequestDetail};
pub use placement::{
    CandidateView, DecisionView, ExcludedView, ExplainRequest, ExplainView, FactsView, MoveView, StrategyView,
};
pub use requests::{AttemptView, RequestPage, RequestPageQuery, RequestView};
pub use settings::{DeliveryView, ReloadView, SettingView, SettingsEdit, SettingsView, WebhookView};

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(|text| Secret::new(&Zeroizing::new(text)))
}
