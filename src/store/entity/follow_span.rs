//! Which stretches of a topic a follower's timeline shows.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "follow_span")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub follower_id: i64,
    pub topic: String,
    pub from_at: i64,
    pub from_id: i64,
    pub until_at: Option<i64>,
    pub until_id: Option<i64>,
    pub until_action: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
