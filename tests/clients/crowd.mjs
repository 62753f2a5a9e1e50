// A few people who write in several scripts, a wall, somebody muted, blocked and banned: what pages
// look like with something in them.

/** Fills a server, and gives every page of it as `[name, page]`. */
export async function crowd(server) {
  const { post, write, person } = writers(server.base);
  const ada = await person('ada', 'Ada Lovelace', 'Notes on the Analytical Engine. Mostly on what it might compose.');
  const grace = await person('grace', 'Grace Hopper', 'It is easier to ask forgiveness.');
  const omar = await person('omar_k', 'عمر الخيام', 'شاعر وفلكي');
  const yuki = await person('yuki', '結城ゆき');
  const long = await person('the_longest_username', 'A name as long as names may be, to the 50th letter');

  for (const other of [grace, omar, yuki, long]) {
    await write('follow', 'FollowInput', { targetId: other.user.id }, ada.token);
    await write('follow', 'FollowInput', { targetId: ada.user.id }, other.token);
  }
  await post(yuki, '会場に着きました！ #RustConf の朝はコーヒーから。');
  await post(omar, 'مرحبا بالجميع في #RustConf، اليوم نتحدث عن الأمان في الذاكرة.');
  const first = await post(ada, 'Good morning, #RustConf! The hall is filling up. Slides at https://example.com/slides/2026/engine-notes-for-everybody');
  await post(long, 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft #RustConf #lange_Wörter');
  const second = await post(grace, 'Ask @ada about the notes. The best part of #RustConf is the hallway.\n\nSee you at the coffee.');
  const answer = await post(yuki, '@ada 楽しみです！', first);
  await post(ada, '@yuki So am I.', answer);
  for (const { token } of [grace, omar, yuki]) {
    await write('likeTweet', 'TweetRefInput', { id: first }, token);
    await write('retweet', 'TweetRefInput', { id: first }, token);
  }
  await write('likeTweet', 'TweetRefInput', { id: second }, ada.token);
  await write('retweet', 'TweetRefInput', { id: second }, omar.token);
  await post(grace, 'A bug was found in relay 70. An actual one. #RustConf');

  server.run('user', 'promote', 'ada');
  const hall = { slug: 'rustconf', title: 'RustConf 2026', hashtags: ['RustConf'], keywords: ['relay'], accounts: ['ada'] };
  await write('putWall', 'PutWallInput', hall, ada.token);
  for (const [deed, type, username] of [
    ['banUser', 'BanUserInput', 'buy_now'],
    ['muteUser', 'UserRefInput', 'shouting'],
    ['blockUser', 'UserRefInput', 'rude'],
  ]) {
    const other = await person(username, username.toUpperCase());
    await post(other, 'LISTEN TO ME #RustConf');
    await write(deed, type, { userId: other.user.id }, ada.token);
  }
  return Object.entries(pages(first.replace('Tweet:', ''), ada));
}

function writers(home) {
  const write = async (name, type, input, token, selection = '__typename') => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const query = `mutation($input: ${type}!) { ${name}(input: $input) { ${selection} } }`;
    const response = await fetch(`${home}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables: { input } }) });
    const { data, errors } = await response.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data[name];
  };
  const person = async (username, displayName, bio) => {
    const input = { username, displayName, password: 'a long password' };
    const account = await write('signUp', 'SignUpInput', input, undefined, 'token expiresAt user { id username }');
    if (bio) await write('updateProfile', 'UpdateProfileInput', { bio }, account.token);
    return account;
  };
  const post = ({ token }, text, inReplyTo) =>
    write('postTweet', 'PostTweetInput', { text, inReplyTo }, token, 'tweet { id }').then(({ tweet }) => tweet.id);
  return { write, person, post };
}

/** Each with its path, whose it is, what has to be there, and what is done then. */
function pages(first, { token, user, expiresAt }) {
  const session = JSON.stringify({ token, username: user.username, expiresAt });
  const init = { script: (value) => localStorage.setItem('linnet:session', value), argument: session };
  const at = (path, ready = 'article', act = async () => {}) => ({ path, init, ready, act });
  const menu = async (page) => {
    await page.getByRole('button', { name: 'More about @grace' }).first().click();
    await page.getByRole('menuitem').last().waitFor();
  };
  const ban = async (page) => {
    await menu(page);
    await page.getByRole('menuitem', { name: /^Ban/ }).click();
    await page.getByRole('dialog').waitFor();
  };
  const hidden = async (page) => {
    for (const name of ['Muted', 'Blocked', 'Banned']) {
      await page.locator('summary', { hasText: name }).click();
      await page.getByRole('list', { name }).waitFor();
    }
    await page.getByRole('list', { name: 'Banned' }).scrollIntoViewIfNeeded();
  };
  return {
    home: at('/'),
    tweet: at(`/tweet/${first}`),
    profile: at('/user/ada'),
    likes: at('/user/ada/likes'),
    followers: at('/user/ada/followers', '.row'),
    following: at('/user/ada/following', '.row'),
    'right-to-left': at('/user/omar_k'),
    muted: at('/user/shouting'),
    blocked: at('/user/rude', '.profile'),
    banned: at('/user/buy_now'),
    notifications: at('/notifications', '.row'),
    search: at('/search?q=rust'),
    discover: at('/search', '.row'),
    menu: at('/search?q=rust', 'article', menu),
    question: at('/search?q=rust', 'article', ban),
    settings: at('/settings', 'form'),
    hidden: at('/settings', 'form', hidden),
    hashtag: at('/hashtag/rustconf'),
    wall: at('/wall/rustconf'),
    projector: at('/wall/rustconf?projector'),
    graphiql: at('/graphiql', '.result-window'),
    nothing: at('/user/nobody_here', '.empty'),
    welcome: { ...at('/'), init: undefined },
    'sign-up': { ...at('/sign-up', 'form'), init: undefined },
  };
}
