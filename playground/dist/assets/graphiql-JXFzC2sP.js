import{o as e}from"./rolldown-runtime-B8BYMn-z.js";import{a as t,c as n,i as r,l as i,n as a,o,r as s,s as c,t as l}from"./vendor-NGFSp-LY.js";var u=e(n(),1),d=s();function resumable(e){let t={...e.variables};return{params:{...e,variables:t},note(e){let n=e?.data;for(let e of Object.values(n??{})){let n=e?.cursor;typeof n==`string`&&(t.after=n)}}}}var f=`linnet:session`,p=new Set,m=stored();function stored(){try{let e=JSON.parse(sessionStorage.getItem(f)??`null`);return typeof e?.token==`string`?e:null}catch{return null}}function session(){return m}function setSession(e){m=e;try{e?sessionStorage.setItem(f,JSON.stringify(e)):sessionStorage.removeItem(f)}catch{}p.forEach(e=>e())}function useSession(){return(0,u.useSyncExternalStore)(e=>(p.add(e),()=>p.delete(e)),session)}var h=`/graphql`;function fetcher(e,t){let n=operationOf(e,t),r=headersOf(t);return n?.operation===`subscription`?subscribe(e,r):post(e,r,n)}function operationOf(e,n){try{return t(n?.documentAST??o(e.query),e.operationName||void 0)??null}catch{return null}}function headersOf(e){let t={};for(let[n,r]of Object.entries(e?.headers??{}))r!=null&&(t[n]=String(r));let n=Object.keys(t).find(e=>e.toLowerCase()===`authorization`),r=session();return n===void 0&&r?t.Authorization=`Bearer ${r.token}`:n!==void 0&&t[n]===``&&delete t[n],t}function sendsSession(e){let t=session();return t!==null&&e.Authorization===`Bearer ${t.token}`}async function post(e,t,n){let r=await fetch(h,{method:`POST`,headers:{Accept:`application/graphql-response+json, application/json;q=0.9`,"Content-Type":`application/json`,...t},body:JSON.stringify(e)});if(r.status===401&&sendsSession(t)&&(setSession(null),n?.operation===`query`)){let{Authorization:r,...i}=t;return post(e,i,n)}let i=await r.text(),a;try{a=JSON.parse(i)}catch{throw Error(`${r.status} ${r.statusText}: ${i.slice(0,500)}`)}return n?.operation===`mutation`&&remember(a,n),a}function remember(e,t){for(let n of t.selectionSet.selections){if(n.kind!==c.FIELD)continue;let t=e.data?.[n.alias?.value??n.name.value];if(typeof t?.token==`string`){let e=typeof t.user?.username==`string`?t.user.username:null;setSession({token:t.token,username:e??session()?.username??null})}else t===!0&&[`logOut`,`deleteAccount`].includes(n.name.value)&&setSession(null)}}function subscribe(e,t){return{subscribe(n){let r=l({url:new URL(h,location.href).href.replace(/^http/,`ws`),lazy:!0,connectionParams:t,shouldRetry:e=>e instanceof CloseEvent&&e.code!==4403}),{params:i,note:a}=resumable(e),o=r.subscribe(i,{next(e){a(e),n.next(e)},error(e){e instanceof CloseEvent&&e.code===4403&&sendsSession(t)&&setSession(null),n.error(readable(e))},complete:()=>n.complete()});return{unsubscribe(){o(),r.dispose()}}}}}function readable(e){return e instanceof CloseEvent?Error(`The server closed the socket: ${e.code}${e.reason?` ${e.reason}`:``}`):e}var g=`# Welcome to Linnet. The tabs are a tour: go through them from left to right.
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
`,_=`# 2. Post. Write what you like below, under Variables.
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
`,v=`# 3. Follow a hashtag or a user.
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
`,y=`# 4. Your timeline: what those whom you follow did, the newest first.
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
`,b=`# 5. A hashtag and its newest tweets.
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
`,x=`# 6. A user and the user's tweets.
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
`,S=`# 7. Search: users by a part of their name, hashtags by how they begin, tweets by a part of their text.
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
`,C=`# 8. Live: press the button and leave this tab open.
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
`,w=`{
  "input": {
    "username": "ada",
    "password": "a long password"
  }
}
`,T=`{
  "input": {
    "text": "Good morning #bundestag, this is my first post."
  }
}
`,E=`{
  "input": {
    "targetId": "Hashtag:bundestag"
  }
}
`,D=`{
  "first": 10,
  "after": null
}
`,O=`{
  "name": "bundestag",
  "first": 10
}
`,k=`{
  "username": "ada",
  "first": 10,
  "after": null
}
`,A=`{
  "user": "a",
  "hashtag": "bund",
  "text": "morning"
}
`,j=`{
  "hashtag": "bundestag"
}
`,M=Object.assign({"../queries/01-sign-up.graphql":g,"../queries/02-post.graphql":_,"../queries/03-follow.graphql":v,"../queries/04-timeline.graphql":y,"../queries/05-hashtag.graphql":b,"../queries/06-user.graphql":x,"../queries/07-search.graphql":S,"../queries/08-live-hashtag.graphql":C}),N=Object.assign({"../queries/01-sign-up.variables.json":w,"../queries/02-post.variables.json":T,"../queries/03-follow.variables.json":E,"../queries/04-timeline.variables.json":D,"../queries/05-hashtag.variables.json":O,"../queries/06-user.variables.json":k,"../queries/07-search.variables.json":A,"../queries/08-live-hashtag.variables.json":j}),P=Object.keys(M).sort().map(e=>({query:M[e]??``,variables:(N[e.replace(/\.graphql$/,`.variables.json`)]??``).trimEnd()}));function prepareStorage(){try{if(localStorage.getItem(`graphiql:tabState`)!==null)return;let[e]=P;if(!e)return;localStorage.setItem(`graphiql:query`,e.query),localStorage.setItem(`graphiql:variables`,e.variables)}catch{}}function restoreTour(){try{for(let e of[`tabState`,`query`,`variables`,`headers`,`operationName`])localStorage.removeItem(`graphiql:${e}`)}catch{}location.reload()}var F=i();function Playground(){return(0,F.jsxs)(a,{fetcher,defaultTabs:P,defaultEditorToolsVisibility:`variables`,shouldPersistHeaders:!1,children:[(0,F.jsx)(a.Logo,{children:(0,F.jsx)(`a`,{className:`linnet-logo`,href:`/`,children:`Linnet`})}),(0,F.jsx)(a.Footer,{children:(0,F.jsx)(Status,{})})]})}function Status(){let e=useSession(),t=r()?.queryEditor;return(0,u.useEffect)(()=>t?.setOption(`lineWrapping`,!0),[t]),(0,F.jsxs)(`div`,{className:`linnet-status`,children:[(0,F.jsx)(`span`,{role:`status`,children:e?`Signed in${e.username?` as @${e.username}`:``}: every tab sends this token`:`Not signed in: start with the SignUp tab`}),e&&(0,F.jsx)(`button`,{type:`button`,onClick:()=>setSession(null),children:`Forget the token`}),(0,F.jsx)(`button`,{type:`button`,onClick:restoreTour,title:`Brings back the example queries, in place of all tabs`,children:`Restore the tour`})]})}prepareStorage();var I=document.getElementById(`graphiql`);I&&(0,d.createRoot)(I).render((0,F.jsx)(Playground,{}));