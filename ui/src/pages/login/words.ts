import type { Pair } from "../../words";

export const words = {
  title: ["Sign in to gavelq", "登录 gavelq"],
  expired: ["Your session is over. Sign in to go on where you were.", "会话已过期。请重新登录以继续。"],
  how: ["Sign in with", "登录方式"],
  token: ["Token", "令牌"],
  password: ["Name and password", "名称和密码"],
  name: ["Tenant", "租户"],
  secret: ["Password", "密码"],
  enter: ["Sign in", "登录"],
  wrongToken: [
    "This token is not known, or was revoked. gavelq token list shows those that work.",
    "此令牌无效或已被吊销。可用 gavelq token list 查看有效令牌。",
  ],
  tokenOver: [
    "This token has expired. Ask an admin for a new one.",
    "此令牌已过期。请向管理员申请新的令牌。",
  ],
  wrongPassword: [
    "The name or the password is wrong. An admin sets one: gavelq tenant set NAME --password",
    "名称或密码错误。管理员可重设：gavelq tenant set 名称 --password",
  ],
  silent: [
    "The daemon does not answer. Is it running? gavelq daemon status",
    "守护进程无响应。是否在运行？gavelq daemon status",
  ],
  help: [
    "On the machine itself, this command opens the console without a token:",
    "在本机上，以下命令无需令牌即可打开控制台：",
  ],
  opening: ["Opening the console", "正在打开控制台"],
  over: ["This link does not work any more", "此链接已失效"],
  again: [
    "A link works once, within a minute. Make a new one:",
    "链接仅可使用一次，一分钟内有效。请重新生成：",
  ],
  instead: ["Sign in another way", "使用其他方式登录"],
} as const satisfies Record<string, Pair>;
