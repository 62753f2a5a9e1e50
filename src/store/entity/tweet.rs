//! Tweets.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tweet")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub author_id: i64,
    pub text: String,
    pub created_at: i64,
    pub edited_at: Option<i64>,
    pub position: i64,
    pub in_reply_to_id: Option<i64>,
    pub action_id: i64,
    pub like_count: i64,
    pub retweet_count: i64,
    pub reply_count: i64,
    pub origin_likes: Option<i64>,
    pub origin_retweets: Option<i64>,
    pub origin_replies: Option<i64>,
    pub source: Option<String>,
    pub external_id: Option<String>,
    pub url: Option<String>,
    pub language: Option<String>,
    pub deleted_at: Option<i64>,
    pub banned: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
