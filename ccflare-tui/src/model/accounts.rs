//! What is done with accounts.

use ccflare_core::{
    control::views::{AccountEdit, AccountView, LoginView, NewAccount, NewLogin},
    domain::Secret,
};

use super::{
    Act, Answers, Effect, Failure, Field, Form, Item, Kind, Model, Offer, Purpose,
    form::{tier, tiers},
    shelf::any_says,
    stats::RESET,
};
use crate::{keys::Command, theme::Role};

impl Item for AccountView {
    fn id(&self) -> &str {
        &self.id
    }

    fn says(&self, needle: &str) -> bool {
        any_says(needle, &[Some(&self.name), Some(&self.state), Some(&self.provider), self.organization.as_deref()])
    }
}

impl Model {
    pub(crate) fn obey_in_accounts(&mut self, command: Command) -> Vec<Effect> {
        if self.accounts.obey(command, self.size.1 / 2) {
            return Vec::new();
        }
        match command {
            Command::AddKey => self.ask(by_key()),
            Command::AddLogin => self.ask(by_login()),
            command => match self.accounts.chosen().cloned() {
                Some(account) => self.obey_for(command, account),
                None => {
                    self.say(Role::Muted, "there is no account yet: a adds one by its key, o by login");
                    Vec::new()
                }
            },
        }
    }

    fn obey_for(&mut self, command: Command, account: AccountView) -> Vec<Effect> {
        let AccountView { id, name, .. } = account;
        match command {
            Command::Pause => {
                let edit = if account.paused { AccountEdit::Resume } else { AccountEdit::Pause };
                self.act(Act::EditAccount { id, name, edit })
            }
            Command::Resume => self.act(Act::EditAccount { id, name, edit: AccountEdit::Resume }),
            Command::Rename => {
                let (title, kind) = (format!("Rename {name}"), Kind::Text(name.clone()));
                self.ask(Form::of_one(title, "New name", kind, Purpose::Rename { id, name }))
            }
            Command::Prioritize => {
                let (title, kind) = (format!("Priority of {name}"), Kind::Text(account.priority.to_string()));
                let form = Form::of_one(title, "Priority", kind, Purpose::Prioritize { id, name });
                self.ask(Form { says: "Lower numbers go first.".to_owned(), ..form })
            }
            Command::Resize => {
                let (title, kind) = (format!("Tier of {name}"), tiers(Some(account.tier)));
                self.ask(Form::of_one(title, "Tier", kind, Purpose::Resize { id, name }))
            }
            Command::LogInAgain => self.act(Act::BeginLogin(NewLogin { account: Some(id), ..NewLogin::default() })),
            Command::Remove => {
                let form =
                    Form::of_one(format!("Remove {name}"), "Name", Kind::Text(String::new()), Purpose::Remove { id });
                let says = format!("Its records stay. To remove it, type its name: {name}");
                self.ask(Form { says, submit: "Remove", ..form })
            }
            _ => Vec::new(),
        }
    }

    /// The second half of a login: where to go, and what comes back from there.
    pub(crate) fn ask_for_code(&mut self, login: LoginView) -> Vec<Effect> {
        let was_asking = std::mem::take(&mut self.asking);
        let says = format!(
            "Open this address in a browser and grant access. Then paste what the page shows (CODE#STATE), or the \
             address that the browser ends at.\n\n{}",
            login.auth_url
        );
        let offers = vec![Offer::Copy(login.auth_url.clone()), Offer::Browse(login.auth_url)];
        let purpose = Purpose::Code { session: login.session_id };
        let form = Form::of_one(format!("Log in at {}", login.server), "Code", Kind::Text(String::new()), purpose);
        let mut effects = if was_asking { vec![Effect::Close] } else { Vec::new() };
        effects.extend(self.ask(Form { says, offers, submit: "Log in", ..form }));
        effects
    }

    pub(crate) fn submitted(&mut self, purpose: Purpose, answers: Answers) -> Vec<Effect> {
        if purpose == Purpose::Select {
            return self.select(&answers);
        }
        if purpose == Purpose::Seen {
            self.asking = false;
            return vec![Effect::Close];
        }
        if let Purpose::Setting { key } = &purpose {
            return self.act(self.set(key, &answers));
        }
        match act(purpose, &answers) {
            Ok(act) => self.act(act),
            Err(says) => self.refused(Failure { is_lost: false, says }),
        }
    }
}

/// What a form that was filled in asks for; or what is wrong with it.
fn act(purpose: Purpose, answers: &Answers) -> Result<Act, String> {
    let edit = |id, name, edit| Act::EditAccount { id, name, edit };
    Ok(match purpose {
        Purpose::AddByKey => {
            let new = NewAccount::with_key(answers.at(0), Secret::new(answers.at(1)));
            let base_url = answers.given(2).map(str::to_owned);
            Act::AddAccount(NewAccount {
                base_url,
                priority: priority(answers.at(3))?,
                tier: tier(answers.at(4)),
                ..new
            })
        }
        Purpose::AddByLogin => Act::BeginLogin(NewLogin {
            name: answers.at(0).to_owned(),
            server: answers.given(1).map(str::to_owned),
            priority: priority(answers.at(2))?,
            tier: tier(answers.at(3)),
            ..NewLogin::default()
        }),
        Purpose::Code { session } => Act::CompleteLogin { session, pasted: answers.at(0).to_owned() },
        Purpose::Rename { id, name } => edit(id, name, AccountEdit::Rename(answers.at(0).to_owned())),
        Purpose::Prioritize { id, name } => edit(id, name, AccountEdit::Priority(priority(answers.at(0))?)),
        Purpose::Resize { id, name } => {
            edit(id, name, AccountEdit::Tier(tier(answers.at(0)).ok_or("a tier is 1, 5 or 20")?))
        }
        Purpose::Reset if answers.at(0) == RESET => Act::ResetStats,
        Purpose::Reset => return Err(format!("to forget everything, type {RESET:?}")),
        Purpose::Strategy => Act::Strategy(answers.at(0).to_owned()),
        Purpose::Prefer { id, name } => Act::Prefer { id, name, model: answers.given(0).map(str::to_owned) },
        Purpose::PreferForAll => Act::PreferForAll(answers.at(0).to_owned()),
        Purpose::DefaultModel => Act::DefaultModel(answers.given(0).map(str::to_owned)),
        Purpose::LogLevel => Act::LogLevel(answers.at(0).to_owned()),
        Purpose::MakeKey | Purpose::EndKey { .. } => return super::client_keys::act(purpose, answers.at(0)),
        Purpose::Seen | Purpose::Select | Purpose::Setting { .. } => {
            return Err("nothing is to be done about that".to_owned());
        }
        Purpose::Remove { id } => Act::RemoveAccount { id, confirm: answers.at(0).to_owned() },
    })
}

fn priority(answer: &str) -> Result<u32, String> {
    if answer.is_empty() {
        return Ok(0);
    }
    answer.parse().map_err(|_| format!("a priority is a whole number from 0 on, not {answer:?}"))
}

fn by_key() -> Form {
    let text = |label| Field { label, kind: Kind::Text(String::new()) };
    Form {
        title: "Add an account by its API key".to_owned(),
        says: String::new(),
        fields: vec![
            text("Name"),
            Field { label: "API key", kind: Kind::Secret },
            text("Base URL (if not the provider's)"),
            Field { label: "Priority (lower goes first)", kind: Kind::Text("0".to_owned()) },
            Field { label: "Tier", kind: tiers(None) },
        ],
        submit: "Add",
        offers: Vec::new(),
        purpose: Purpose::AddByKey,
    }
}

fn by_login() -> Form {
    let text = |label| Field { label, kind: Kind::Text(String::new()) };
    Form {
        title: "Add an account by login".to_owned(),
        says: String::new(),
        fields: vec![
            text("Name"),
            text("Server (empty: the only one)"),
            Field { label: "Priority (lower goes first)", kind: Kind::Text("0".to_owned()) },
            Field { label: "Tier", kind: tiers(None) },
        ],
        submit: "Begin",
        offers: Vec::new(),
        purpose: Purpose::AddByLogin,
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn answers(answers: &[&str]) -> Answers {
        Answers(answers.iter().map(|answer| Zeroizing::new((*answer).to_owned())).collect())
    }

    #[test]
    fn a_priority_is_a_number_or_the_first() {
        let rename = |text| act(Purpose::Prioritize { id: "1".into(), name: "a".into() }, &answers(&[text]));
        let edit = |edit| Act::EditAccount { id: "1".into(), name: "a".into(), edit };
        assert_eq!(format!("{:?}", rename(" 7 ")), format!("{:?}", Ok::<_, String>(edit(AccountEdit::Priority(7)))));
        assert!(rename("-1").is_err_and(|says| says.contains("from 0 on")));
    }

    #[test]
    fn neither_a_form_nor_what_comes_of_it_shows_the_key() {
        let filled = answers(&["work", "sk-ant-canary", "", "0", "5"]);
        assert!(!format!("{filled:?}").contains("canary"));
        let act = act(Purpose::AddByKey, &filled).expect("it will do");
        assert!(matches!(&act, Act::AddAccount(new) if new.tier.map(u8::from) == Some(5)));
        assert!(!format!("{act:?}").contains("canary"));
    }
}
