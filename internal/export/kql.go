package export

import (
	"strings"

	"dossier/internal/observable"
)

// The queries of the Kusto query language carry the indicators as a table within
// them and look for them in the tables of Microsoft Sentinel or Defender XDR. A
// domain is found with all names below it, an address also within a network.
//
// Sources: Kusto documentation, "The datatable operator", "String literals";
// Microsoft Defender XDR, "Advanced hunting schema"; Azure Monitor logs reference.

// maxKQL keeps a query below the megabyte that both services take as its text.
const maxKQL = 2_500

var kqlKinds = []observable.Kind{
	observable.Domain, observable.IPAddress, observable.CIDR, observable.URL, observable.Email, observable.MD5, observable.SHA1, observable.SHA256,
}

var kqlFormats = []*Format{
	kql("kql-defender", "Microsoft Defender XDR advanced hunting", kqlDefender, kqlKinds),
	kql("kql-sentinel", "Microsoft Sentinel", kqlSentinel, kqlKinds),
}

func kql(name, about, query string, kinds []observable.Kind) *Format {
	return &Format{
		Name: name, About: "KQL query for " + about, MediaType: plainText, Extension: ".kql", Kinds: kinds, Max: maxKQL,
		begin: func(out *output, o *Options) encoder {
			out.str("// ", ascii(o.Title, 100, plain), "\nlet Dossier = datatable(Kind: string, Value: string, Profiles: string, Sources: string, Confidence: int, DossierId: string) [\n")
			return encode{
				each: func(i *Indicator) error {
					v := i.Observable.Value
					if i.Observable.Kind == observable.CIDR || i.Observable.Kind == observable.IPAddress {
						if _, err := prefixOf(v); err != nil {
							return refusal("not an address")
						}
					}
					if line(v, len(v)) != v {
						return notPrintable
					}
					out.str("  ", kqlString(string(i.Observable.Kind)), ", ", kqlString(v), ", ", kqlString(i.subject()), ", ",
						kqlString(line(strings.Join(i.Publishers, ", "), 200)), ", ", itoa(i.Confidence), ", ", kqlString(i.ID), ",\n")
					return nil
				},
				last: func() error {
					out.str("];\n", kqlNames, query)
					return nil
				},
			}
		},
	}
}

// kqlString writes a string literal between quotation marks.
func kqlString(s string) string {
	const hex = "0123456789abcdef"
	b := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return string(append(b, '"'))
}

// kqlNames are the parts that both queries share: names with all names above
// them, and networks by family.
const kqlNames = `let DossierNames = Dossier | where Kind == "domain";
let DossierAddresses4 = Dossier | where Kind in ("ipAddress", "cidr") and not(Value contains ":");
let DossierAddresses6 = Dossier | where Kind in ("ipAddress", "cidr") and Value contains ":";
let DossierUrls = Dossier | where Kind == "url";
let DossierHashes = Dossier | where Kind in ("md5", "sha1", "sha256");
let DossierSenders = Dossier | where Kind == "emailAddress";
let NamesAbove = (T: (Time: datetime, Where: string, What: string, Host: string)) {
    T
    | where isnotempty(Host)
    | extend Labels = split(tolower(trim_end(@"\.", Host)), ".")
    | mv-expand Skip = range(0, array_length(Labels) - 1) to typeof(int)
    | extend Candidate = strcat_array(array_slice(Labels, Skip, -1), ".")
    | join kind=inner DossierNames on $left.Candidate == $right.Value
    | project Time, Where, What, Seen = Host, Kind, Value, Profiles, Sources, Confidence, DossierId
};
`

const kqlDefender = `let Network = DeviceNetworkEvents | where Timestamp > ago(1d);
let Hosts = Network | project Time = Timestamp, Where = DeviceName, What = ActionType, Host = iff(RemoteUrl contains "://", tostring(parse_url(RemoteUrl).Host), tostring(split(tostring(split(RemoteUrl, "/")[0]), ":")[0]));
union
    NamesAbove(Hosts),
    (Network | where RemoteIP !contains ":" | evaluate ipv4_lookup(DossierAddresses4, RemoteIP, Value) | project Time = Timestamp, Where = DeviceName, What = ActionType, Seen = RemoteIP, Kind, Value, Profiles, Sources, Confidence, DossierId),
    (Network | where RemoteIP contains ":" | evaluate ipv6_lookup(DossierAddresses6, RemoteIP, Value) | project Time = Timestamp, Where = DeviceName, What = ActionType, Seen = RemoteIP, Kind, Value, Profiles, Sources, Confidence, DossierId),
    (Network | join kind=inner DossierUrls on $left.RemoteUrl == $right.Value | project Time = Timestamp, Where = DeviceName, What = ActionType, Seen = RemoteUrl, Kind, Value, Profiles, Sources, Confidence, DossierId),
    (DeviceFileEvents | where Timestamp > ago(1d) | extend Hash = pack_array(tolower(MD5), tolower(SHA1), tolower(SHA256)) | mv-expand Hash to typeof(string) | where isnotempty(Hash)
        | join kind=inner DossierHashes on $left.Hash == $right.Value | project Time = Timestamp, Where = DeviceName, What = ActionType, Seen = FileName, Kind, Value, Profiles, Sources, Confidence, DossierId),
    (EmailEvents | where Timestamp > ago(1d) | extend Sender = tolower(SenderFromAddress) | join kind=inner (DossierSenders | extend Address = tolower(Value)) on $left.Sender == $right.Address
        | project Time = Timestamp, Where = RecipientEmailAddress, What = "mail from", Seen = SenderFromAddress, Kind, Value, Profiles, Sources, Confidence, DossierId)
| sort by Time desc
`

const kqlSentinel = `let Firewall = CommonSecurityLog | where TimeGenerated > ago(1d);
let Queries = DnsEvents | where TimeGenerated > ago(1d) | project Time = TimeGenerated, Where = ClientIP, What = "DNS query", Host = Name;
let Hosts = Firewall | project Time = TimeGenerated, Where = SourceIP, What = DeviceVendor, Host = iff(isempty(RequestURL), DestinationHostName, iff(RequestURL contains "://", tostring(parse_url(RequestURL).Host), tostring(split(tostring(split(RequestURL, "/")[0]), ":")[0])));
union
    NamesAbove(Queries),
    NamesAbove(Hosts),
    (Firewall | where DestinationIP !contains ":" | evaluate ipv4_lookup(DossierAddresses4, DestinationIP, Value) | project Time = TimeGenerated, Where = SourceIP, What = DeviceVendor, Seen = DestinationIP, Kind, Value, Profiles, Sources, Confidence, DossierId),
    (Firewall | where DestinationIP contains ":" | evaluate ipv6_lookup(DossierAddresses6, DestinationIP, Value) | project Time = TimeGenerated, Where = SourceIP, What = DeviceVendor, Seen = DestinationIP, Kind, Value, Profiles, Sources, Confidence, DossierId),
    (Firewall | join kind=inner DossierUrls on $left.RequestURL == $right.Value | project Time = TimeGenerated, Where = SourceIP, What = DeviceVendor, Seen = RequestURL, Kind, Value, Profiles, Sources, Confidence, DossierId),
    (Firewall | extend Hash = tolower(FileHash) | join kind=inner DossierHashes on $left.Hash == $right.Value | project Time = TimeGenerated, Where = SourceIP, What = DeviceVendor, Seen = FileHash, Kind, Value, Profiles, Sources, Confidence, DossierId)
| sort by Time desc
`
