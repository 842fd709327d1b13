// Koishi with its Telegram adapter and its database on SQLite. `node koishi_bot.cjs PORT TOKEN BASE FILE`; NODE_PATH says where it is installed.
const { Context, Logger } = require("koishi");
const plugin = (name) => require(name).default ?? require(name);

const [port, token, base, path] = process.argv.slice(2);
Logger.levels.base = Logger.ERROR;

const app = new Context({ prefix: ["/"], autoAuthorize: 1 });
app.plugin(plugin("@koishijs/plugin-http"));
app.plugin(plugin("@koishijs/plugin-server"), { host: "127.0.0.1", port: Number(port), selfUrl: `http://127.0.0.1:${port}` });
app.plugin(plugin("@minatojs/driver-sqlite"), { path });
app.plugin(plugin("@satorijs/adapter-telegram"), {
  token, protocol: "server", path: "/telegram", selfUrl: `http://127.0.0.1:${port}`, endpoint: base, slash: false, files: {},
});

app.inject(["database"], (ctx) => {
  ctx.model.extend("messages", { id: "unsigned", chat: "string", text: "text" }, { autoInc: true });
  ctx.middleware(async (session, next) => {
    await ctx.database.create("messages", { chat: session.channelId, text: session.content });
    return session.content.includes("还有货吗") ? "有的" : next();
  });
});

app.start();
