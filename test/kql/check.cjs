// Reads a query from standard input, parses and binds it with Microsoft's own
// parser against the tables that the queries use, and prints a line for each
// finding. The columns are those of Microsoft's references of the tables
// (Microsoft Defender XDR "advanced hunting schema", Azure Monitor "tables").
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { KustoCode, GlobalState, Symbols } = globalThis.Kusto.Language;

const tables = {
  DeviceNetworkEvents: "Timestamp: datetime, DeviceName: string, ActionType: string, RemoteIP: string, RemotePort: int, RemoteUrl: string, InitiatingProcessFileName: string",
  DeviceFileEvents: "Timestamp: datetime, DeviceName: string, ActionType: string, FileName: string, FolderPath: string, SHA1: string, SHA256: string, MD5: string",
  EmailEvents: "Timestamp: datetime, RecipientEmailAddress: string, SenderFromAddress: string, NetworkMessageId: string",
  CommonSecurityLog: "TimeGenerated: datetime, DeviceVendor: string, SourceIP: string, DestinationIP: string, DestinationPort: int, DestinationHostName: string, RequestURL: string, FileHash: string",
  DnsEvents: "TimeGenerated: datetime, Computer: string, ClientIP: string, Name: string",
};
const schemas = Object.entries(tables).map(([name, columns]) => new Symbols.TableSymbol.$ctor7(name, `(${columns})`, null));
const database = new Symbols.DatabaseSymbol.ctor("db", schemas);
const globals = GlobalState.Default.WithDatabase(database);

const text = require("node:fs").readFileSync(0, "utf8");
const code = KustoCode.ParseAndAnalyze(text, globals);
const found = code.GetDiagnostics();
for (let i = 0; i < found.Count; i++) {
  const d = found.getItem(i);
  if (d.Severity === "Suggestion") continue;
  console.log(`${d.Severity} at ${d.Start}: ${d.Message}`);
}
// The names and literals that the parser sees, so that the test can read values back.
const { SyntaxElement, LiteralExpression } = globalThis.Kusto.Language.Syntax;
if (process.argv[2] === "literals") {
  const walk = (node) => {
    if (node.Kind === globalThis.Kusto.Language.Syntax.SyntaxKind.StringLiteralExpression) console.log("literal " + JSON.stringify(node.LiteralValue));
    for (let i = 0; i < node.ChildCount; i++) {
      const child = node.GetChild(i);
      if (child) walk(child);
    }
  };
  walk(code.Syntax);
}
