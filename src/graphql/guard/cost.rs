//! What an operation costs: sums and products, in which the sizes of pages may be variables.

use async_graphql::parser::types::Field;
use async_graphql::{Name, Number, Value, Variables};
use async_graphql_value::Value as Given;
use std::sync::Arc;

/// How many items a list counts as when nothing says how many it has.
const UNSTATED: u64 = 10;

/// The largest page that is ever given: what asks for more is refused where it is read.
const LARGEST: u64 = 100;

/// How much an answer can hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Objects: what has to be found and loaded.
    pub objects: u64,
    /// Fields, scalars among them: what has to be filled in and sent.
    pub fields: u64,
    /// Bytes of the fields' names.
    pub names: u64,
}

impl Total {
    /// One field of this name, without an object.
    #[must_use]
    pub fn leaf(name: &str) -> Self {
        let names = u64::try_from(name.len()).unwrap_or(u64::MAX);
        Self {
            objects: 0,
            fields: 1,
            names,
        }
    }

    /// One field of this name, with its object.
    #[must_use]
    pub fn object(name: &str) -> Self {
        Self {
            objects: 1,
            ..Self::leaf(name)
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            objects: self.objects.saturating_add(other.objects),
            fields: self.fields.saturating_add(other.fields),
            names: self.names.saturating_add(other.names),
        }
    }

    fn times(self, factor: u64) -> Self {
        Self {
            objects: self.objects.saturating_mul(factor),
            fields: self.fields.saturating_mul(factor),
            names: self.names.saturating_mul(factor),
        }
    }
}

/// The cost of a selection, before its variables are known.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    fixed: Total,
    /// What comes as often as variables say.
    varying: Vec<(Size, Arc<Cost>)>,
}

impl Cost {
    /// A cost without variables.
    #[must_use]
    pub fn fixed(total: Total) -> Self {
        let varying = Vec::new();
        Self { fixed: total, varying }
    }

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.fixed = self.fixed.plus(other.fixed);
        self.varying.extend(other.varying.iter().cloned());
    }

    /// As often as a page or a list has items.
    #[must_use]
    pub fn repeated(self, size: Size) -> Self {
        if let Size::Fixed(factor) = size
            && self.varying.is_empty()
        {
            return Self::fixed(self.fixed.times(factor));
        }
        Self {
            fixed: Total::default(),
            varying: vec![(size, Arc::new(self))],
        }
    }

    /// Makes clones cheap: what varies is not copied each time that a fragment is spread.
    pub fn share(&mut self) {
        if self.varying.len() > 1 {
            let shared = std::mem::take(self);
            self.varying = vec![(Size::Fixed(1), Arc::new(shared))];
        }
    }

    /// What it comes to with these variables.
    #[must_use]
    pub fn total(&self, variables: &Variables) -> Total {
        let varying = self.varying.iter();
        let totals = varying.map(|(size, cost)| cost.total(variables).times(size.of(variables)));
        totals.fold(self.fixed, Total::plus)
    }
}

/// How many items a page or a list has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many.
    Fixed(u64),
    /// What the first of these variables says that says something.
    Varying(Vec<Name>),
}

impl Size {
    /// How many items a field asks for: `first` or `last` of a list, each of `ids`, or ten.
    #[must_use]
    pub fn asked(field: &Field) -> Self {
        let mut variables = Vec::new();
        for name in ["first", "last", "ids"] {
            match field.get_argument(name).map(|given| &given.node) {
                Some(Given::Variable(name)) => variables.push(name.clone()),
                Some(Given::Number(number)) if variables.is_empty() => return Self::Fixed(bounded(number)),
                Some(Given::List(items)) if variables.is_empty() => return Self::Fixed(length(items.len())),
                Some(Given::Number(_) | Given::List(_)) => return Self::Fixed(LARGEST),
                _ => {}
            }
        }
        if variables.is_empty() {
            Self::Fixed(UNSTATED)
        } else {
            Self::Varying(variables)
        }
    }

    fn of(&self, variables: &Variables) -> u64 {
        match self {
            Self::Fixed(factor) => *factor,
            Self::Varying(names) => names
                .iter()
                .find_map(|name| match variables.get(name)? {
                    Value::Number(number) => Some(bounded(number)),
                    Value::List(items) => Some(length(items.len())),
                    _ => None,
                })
                .unwrap_or(UNSTATED),
        }
    }
}

fn bounded(number: &Number) -> u64 {
    number.as_u64().unwrap_or(1).clamp(1, LARGEST)
}

fn length(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(LARGEST).clamp(1, LARGEST)
}
