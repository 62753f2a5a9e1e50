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
    pub description: Option<String>,
    pub data: Option<String>,
    pub public: bool,
    pub foreign_id: Option<String>,
    pub external_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
