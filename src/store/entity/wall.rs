//! Walls.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "wall")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub slug: String,
    pub title: String,
    pub hashtags: String,
    pub keywords: String,
    pub accounts: String,
    pub created_at: i64,
    pub tweet_count: i64,
    pub phase: i16,
    pub position_at: i64,
    pub position_id: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
