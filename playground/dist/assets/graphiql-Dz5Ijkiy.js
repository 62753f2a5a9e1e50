import{o as e}from"./rolldown-runtime-B8BYMn-z.js";import{n as t,t as n}from"./editor-Cr9hrw-v.js";import{_t as r,gt as i,i as a,r as o,s,t as c,xt as l}from"./shared-BRNOgOVg.js";import{a as u,i as d,n as f,o as p,t as m}from"./resume-CK-x0v3n.js";var h=e(l(),1),g=a(),_=`/graphql`;function fetcher(e,t){let n=operationOf(e,t),r=headersOf(t);return n?.operation===`subscription`?subscribe(e,r):post(e,r,n)}function operationOf(e,t){try{return s(t?.documentAST??i(e.query),e.operationName||void 0)??null}catch{return null}}function headersOf(e){let t={};for(let[n,r]of Object.entries(e?.headers??{}))r!=null&&(t[n]=String(r));let n=Object.keys(t).find(e=>e.toLowerCase()===`authorization`),r=u();return n===void 0&&r?t.Authorization=`Bearer ${r.token}`:n!==void 0&&t[n]===``&&delete t[n],t}function sendsSession(e){let t=u();return t!==null&&e.Authorization===`Bearer ${t.token}`}async function post(e,t,n){let r=u(),i=await fetch(_,{method:`POST`,headers:{Accept:`application/graphql-response+json, application/json;q=0.9`,"Content-Type":`application/json`,...t},body:JSON.stringify(e)});if(i.status===401&&sendsSession(t)&&(r&&f(r.token),n?.operation===`query`)){let{Authorization:r,...i}=t;return post(e,i,n)}let a=await i.text(),o;try{o=JSON.parse(a)}catch{throw Error(`${i.status} ${i.statusText}: ${a.slice(0,500)}`)}return n?.operation===`mutation`&&remember(o,n),o}function remember(e,t){for(let n of t.selectionSet.selections){if(n.kind!==r.FIELD)continue;let t=e.data?.[n.alias?.value??n.name.value];if(isOpened(t))d(t.token,t.user?.username??u()?.username??null,t.expiresAt??null);else if(t===!0&&[`logOut`,`deleteAccount`].includes(n.name.value)){let e=u();e&&f(e.token)}}}function isOpened(e){return typeof e==`object`&&!!e&&typeof e.token==`string`}function subscribe(e,t){return{subscribe(n){let r=c({url:new URL(_,location.href).href.replace(/^http/,`ws`),lazy:!0,connectionParams:t,shouldRetry:e=>e instanceof CloseEvent&&e.code!==4403}),{params:i,note:a}=m(e),o=r.subscribe(i,{next(e){a(e),n.next(e)},error(e){let r=u();e instanceof CloseEvent&&e.code===4403&&sendsSession(t)&&r&&f(r.token),n.error(readable(e))},complete:()=>n.complete()});return{unsubscribe(){o(),r.dispose()}}}}}function readable(e){return e instanceof CloseEvent?Error(`The server closed the socket: ${e.code}${e.reason?` ${e.reason}`:``}`):e}var v=`# Welcome to Linnet. The tabs are a tour: go through them from left to right.
#
# 1. Sign up. Choose a username and a password below, under Variables.
# Then press the button with the triangle, or Ctrl-Enter.
#
# The answer has a token. This page remembers it and sends it along from every tab.
# Back again? Write logIn and LogInInput in place of signUp and SignUpInput.

mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) {
    token
    expiresAt
    user {
      id
      username
      displayName
    }
  }
}
`,y=`# 2. Post. Write what you like below, under Variables.
# A word with a # before it becomes a hashtag, a username with an @ before it a mention.

mutation Post($input: PostTweetInput!) {
  postTweet(input: $input) {
    tweet {
      id
      text
      createdAt
      author {
        username
      }
      hashtags {
        name
      }
      mentions {
        username
      }
    }
  }
}
`,b=`# 3. Follow a hashtag or a user.
# The id of a hashtag is "Hashtag:" and its name; that of a user stands in each answer that shows the user.
# What they did lately comes into your timeline at once.

mutation Follow($input: FollowInput!) {
  follow(input: $input) {
    target {
      ... on Hashtag {
        name
        followerCount
      }
      ... on User {
        username
        followerCount
      }
    }
    viewer {
      username
      followingCount
    }
  }
}
`,x=`# 4. Your timeline: what those whom you follow did, the newest first.
# Your own posts are not in it.
# For the next page, copy endCursor into "after" below.

query Timeline($first: Int, $after: String) {
  viewer {
    username
    timeline {
      actions(first: $first, after: $after) {
        nodes {
          verb
          createdAt
          actor {
            ... on User {
              username
            }
          }
          object {
            ... on Tweet {
              id
              text
              likeCount
              retweetCount
            }
            ... on User {
              username
            }
            ... on Hashtag {
              name
            }
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
}
`,S=`# 5. A hashtag and its newest tweets.
# Anybody may ask this, signed in or not.

query Hashtag($name: String!, $first: Int) {
  hashtag(name: $name) {
    id
    name
    tweetCount
    followerCount
    tweets(first: $first) {
      nodes {
        id
        text
        createdAt
        likeCount
        retweetCount
        author {
          username
          displayName
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
`,C=`# 6. What happens elsewhere can stand in feeds too: somebody (you) did something (verb) to an object.
# The object is made with its first action. Follow it by its id, and its actions come into your timeline.
# The same foreignId a second time records nothing anew.

mutation Actions($input: AddActionInput!) {
  addAction(input: $input) {
    action {
      id
      verb
      description
      createdAt
      actor {
        ... on User {
          username
        }
      }
      object {
        ... on ExternalObject {
          id
          type
          key
          name
          actions(first: 5) {
            nodes {
              verb
              description
            }
          }
        }
      }
    }
  }
}
`,w=`# 7. Notifications: who mentioned, answered, liked, retweeted or followed you, grouped by day.
# Have somebody like your tweet from a second browser window, then ask again.
# markSeen sets unseenCount back to 0.

query Notifications($first: Int) {
  viewer {
    username
    notifications {
      unseenCount
      groups(first: $first) {
        nodes {
          verb
          actorCount
          actors(first: 3) {
            ... on User {
              username
            }
          }
          object {
            ... on Tweet {
              text
            }
          }
          updatedAt
          isSeen
        }
      }
    }
  }
}
`,T=`# 8. Live: press the button and leave this tab open.
# Then post with this hashtag from a second browser window.
# The tweet shows up here at once, as do its edits and its deletion. Press the button again to stop.
# Should the line break, it goes on behind the last cursor: nothing is missed.

subscription LiveHashtag($hashtag: String!, $after: String) {
  hashtagStream(hashtag: $hashtag, after: $after) {
    kind
    tweetId
    tweet {
      text
      author {
        username
        displayName
      }
    }
    hashtag {
      name
      tweetCount
    }
    occurredAt
    cursor
  }
}
`,E=`# 9. A user and the user's tweets.
# Write the name that you signed up with below, or anybody's.

query UserTweets($username: String!, $first: Int, $after: String) {
  user(username: $username) {
    id
    username
    displayName
    bio
    tweetCount
    followerCount
    followingCount
    tweets(first: $first, after: $after) {
      nodes {
        id
        text
        createdAt
        likeCount
        replyCount
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
`,D=`# 10. Search: users by a part of their name, hashtags by how they begin, tweets by a part of their text.
# Upper and lower case are the same.

query Search($user: String!, $hashtag: String!, $text: String!) {
  users(contains: $user, first: 5) {
    nodes {
      id
      username
      displayName
      followerCount
    }
  }
  hashtags(prefix: $hashtag, first: 5) {
    id
    name
    tweetCount
  }
  tweets(contains: $text, first: 5) {
    nodes {
      id
      text
      author {
        username
      }
    }
  }
}
`,O=`{
  "input": {
    "username": "ada",
    "password": "a long password"
  }
}
`,k=`{
  "input": {
    "text": "Good morning #bundestag, this is my first post."
  }
}
`,A=`{
  "input": {
    "targetId": "Hashtag:bundestag"
  }
}
`,j=`{
  "first": 10,
  "after": null
}
`,M=`{
  "name": "bundestag",
  "first": 10
}
`,N=`{
  "input": {
    "verb": "release",
    "object": {
      "type": "repository",
      "key": "acme/songbook",
      "name": "Songbook",
      "url": "https://example.com/acme/songbook"
    },
    "description": "Version 1.0",
    "foreignId": "songbook-1.0"
  }
}
`,P=`{
  "first": 10
}
`,F=`{
  "hashtag": "bundestag"
}
`,I=`{
  "username": "ada",
  "first": 10,
  "after": null
}
`,L=`{
  "user": "a",
  "hashtag": "bund",
  "text": "morning"
}
`,R=Object.assign({"../../queries/01-sign-up.graphql":v,"../../queries/02-post.graphql":y,"../../queries/03-follow.graphql":b,"../../queries/04-timeline.graphql":x,"../../queries/05-hashtag.graphql":S,"../../queries/06-actions.graphql":C,"../../queries/07-notifications.graphql":w,"../../queries/08-live-hashtag.graphql":T,"../../queries/09-user.graphql":E,"../../queries/10-search.graphql":D}),z=Object.assign({"../../queries/01-sign-up.variables.json":O,"../../queries/02-post.variables.json":k,"../../queries/03-follow.variables.json":A,"../../queries/04-timeline.variables.json":j,"../../queries/05-hashtag.variables.json":M,"../../queries/06-actions.variables.json":N,"../../queries/07-notifications.variables.json":P,"../../queries/08-live-hashtag.variables.json":F,"../../queries/09-user.variables.json":I,"../../queries/10-search.variables.json":L}),B=Object.keys(R).sort().map(e=>({query:R[e]??``,variables:(z[e.replace(/\.graphql$/,`.variables.json`)]??``).trimEnd()}));function prepareStorage(){try{if(localStorage.getItem(`graphiql:tabState`)!==null)return;let[e]=B;if(!e)return;localStorage.setItem(`graphiql:query`,e.query),localStorage.setItem(`graphiql:variables`,e.variables)}catch{}}function restoreTour(){try{for(let e of[`tabState`,`query`,`variables`,`headers`,`operationName`])localStorage.removeItem(`graphiql:${e}`)}catch{}location.reload()}var V=o();function Playground(){return(0,V.jsxs)(n,{fetcher,defaultTabs:B,defaultEditorToolsVisibility:`variables`,shouldPersistHeaders:!1,children:[(0,V.jsx)(n.Logo,{children:(0,V.jsx)(`a`,{className:`linnet-logo`,href:`/`,children:`Linnet`})}),(0,V.jsx)(n.Footer,{children:(0,V.jsx)(Status,{})})]})}function Status(){let e=p(),n=t()?.queryEditor;return(0,h.useEffect)(()=>n?.setOption(`lineWrapping`,!0),[n]),(0,V.jsxs)(`div`,{className:`linnet-status`,children:[(0,V.jsx)(`span`,{role:`status`,children:e?`Signed in${e.username?` as @${e.username}`:``}: every tab sends this token`:`Not signed in: start with the SignUp tab`}),e&&(0,V.jsx)(`button`,{type:`button`,onClick:()=>f(e.token),children:`Forget the token`}),(0,V.jsx)(`button`,{type:`button`,onClick:restoreTour,title:`Brings back the example queries, in place of all tabs`,children:`Restore the tour`})]})}prepareStorage();var H=document.getElementById(`graphiql`);H&&(0,g.createRoot)(H).render((0,V.jsx)(Playground,{}));