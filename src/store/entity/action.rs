//! Recorded actions.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "action")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub verb: String,
    pub actor_kind: String,
    pub actor_key: String,
    pub object_kind: Option<String>,
    pub object_key: Option<String>,
    pub target_kind: Option<String>,
    pub target_key: Option<String>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
