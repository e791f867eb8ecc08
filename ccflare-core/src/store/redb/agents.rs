//! Preferences and workspaces: one row each, by the agent's name and by the path.

use async_trait::async_trait;
use redb::{ReadableDatabase, ReadableTable, Table, TableDefinition};

use super::{Opened, RedbStore, corrupt, failed, records, tables};
use crate::{
    domain::{AgentPreference, Timestamp, Workspace},
    store::{AgentStore, StoreError},
};

type Named = TableDefinition<'static, &'static str, &'static [u8]>;

#[async_trait]
impl AgentStore for RedbStore {
    async fn agent_preferences(&self) -> Result<Vec<AgentPreference>, StoreError> {
        self.blocking(|opened| {
            opened.all(tables::AGENT_PREFERENCES, |agent, row| {
                records::decode_preference(agent, row)
                    .map_err(|error| corrupt(format!("the preference for agent {agent}"), error))
            })
        })
        .await
    }

    async fn put_agent_preferences(&self, preferences: &[AgentPreference]) -> Result<(), StoreError> {
        let preferences = preferences.to_vec();
        self.blocking(move |opened| {
            opened.change(tables::AGENT_PREFERENCES, |rows| {
                for preference in &preferences {
                    let row = records::encode_preference(preference).map_err(StoreError::backend)?;
                    rows.insert(&*preference.agent, row.as_slice()).map_err(failed)?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn remove_agent_preference(&self, agent: &str) -> Result<bool, StoreError> {
        let agent = agent.to_owned();
        self.blocking(move |opened| {
            opened.change(tables::AGENT_PREFERENCES, |rows| Ok(rows.remove(agent.as_str()).map_err(failed)?.is_some()))
        })
        .await
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        self.blocking(|opened| opened.all(tables::WORKSPACES, workspace)).await
    }

    async fn put_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let workspace = workspace.clone();
        self.blocking(move |opened| {
            opened.change(tables::WORKSPACES, |rows| {
                let row = records::encode_workspace(&workspace).map_err(StoreError::backend)?;
                rows.insert(&*workspace.path, row.as_slice()).map_err(failed)?;
                Ok(())
            })
        })
        .await
    }

    async fn remove_workspace(&self, path: &str) -> Result<bool, StoreError> {
        let path = path.to_owned();
        self.blocking(move |opened| {
            opened.change(tables::WORKSPACES, |rows| Ok(rows.remove(path.as_str()).map_err(failed)?.is_some()))
        })
        .await
    }

    async fn sweep_workspaces(&self, moment: Timestamp) -> Result<u64, StoreError> {
        self.blocking(move |opened| {
            let is_old = |workspace: &Workspace| !workspace.manual && workspace.last_seen < moment;
            let old: Vec<_> = opened.all(tables::WORKSPACES, workspace)?.into_iter().filter(is_old).collect();
            if old.is_empty() {
                return Ok(0);
            }
            opened.change(tables::WORKSPACES, |rows| {
                for workspace in &old {
                    rows.remove(&*workspace.path).map_err(failed)?;
                }
                Ok(old.len() as u64)
            })
        })
        .await
    }
}

fn workspace(path: &str, row: &[u8]) -> Result<Workspace, StoreError> {
    records::decode_workspace(path, row).map_err(|error| corrupt(format!("the workspace {path}"), error))
}

impl Opened<'_> {
    fn all<T>(
        &self,
        table: Named,
        decode: impl Fn(&str, &[u8]) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let read = self.db.begin_read().map_err(failed)?;
        let rows = read.open_table(table).map_err(failed)?;
        let decoded = rows.iter().map_err(failed)?.map(|row| {
            let (name, row) = row.map_err(failed)?;
            decode(name.value(), row.value())
        });
        decoded.collect()
    }

    fn change<T>(
        &self,
        table: Named,
        work: impl FnOnce(&mut Table<'_, &'static str, &'static [u8]>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let write = self.db.begin_write().map_err(failed)?;
        let done = work(&mut write.open_table(table).map_err(failed)?)?;
        write.commit().map_err(failed)?;
        Ok(done)
    }
}
