//! Groups of notifications.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_group")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub user_id: i64,
    pub verb: String,
    pub object: String,
    pub day: i64,
    pub newest_at: i64,
    pub newest_id: i64,
    pub action_count: i64,
    pub actor_count: i64,
    pub version: i64,
    pub seen: i64,
    pub read: i64,
    pub hidden: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
