package guard

import "strings"

// A choice is what Dossier makes of one of MISP's warning lists.
type choice struct {
	policy Policy
	scope  Scope
}

// chosen are the choices that rest on the list and not on what sort of list it is. docs/guards.md tells what was
// found with each.
var chosen = map[string]choice{
	// What nobody may block: the system's own names, where nobody else can put anything.
	"microsoft-win10-connection-endpoints": {Exclude, Names},
	"microsoft-office365":                  {Exclude, Exact},
	"microsoft":                            {Exclude, Names},
	"google":                               {Exclude, Names},
	"captive-portals":                      {Exclude, Exact},
	"crl-hostname":                         {Exclude, Under},
	"microsoft-mdca-proxy":                 {Exclude, Names},
	"umbrella-blockpage-hostname":          {Exclude, Under},
	"rfc6761":                              {Exclude, Under},
	"tlds":                                 {Exclude, Exact},
	"second-level-tlds":                    {Exclude, Exact},

	// Popular names: the name, and not what people keep there.
	"tranco10k":         {Exclude, Exact},
	"alexa":             {Exclude, Exact},
	"cisco_top1000":     {Exclude, Exact},
	"cloudflare-top200": {Exclude, Exact},
	"cloudflare-top1k":  {Exclude, Exact},
	"cloudflare-top10k": {Demote, Exact},
	"moz-top500":        {Exclude, Exact},
	"majestic_million":  {Demote, Exact},
	"cisco_top20k":      {Demote, Exact},
	"bank-website":      {Exclude, Names},
	"dax30":             {Exclude, Names},
	"digitalside":       {Exclude, Exact},
	"link-in-bio":       {Exclude, Shared},
	"url-shortener":     {Exclude, Exact},
	"lots-project":      {Exclude, Shared},
	"dynamic-dns":       {Annotate, Shared},

	// Names that malware asks, and everybody else does, too.
	"whats-my-ip":                {Exclude, Exact},
	"findip-host":                {Exclude, Exact},
	"check-host-net":             {Annotate, Exact},
	"public-ipfs-gateways":       {Exclude, Exact},
	"security-provider-blogpost": {Exclude, Exact},
	"automated-malware-analysis": {Exclude, Under},

	// Files.
	"empty-hashes":              {Exclude, Exact},
	"common-ioc-false-positive": {Exclude, Exact},
	"ti-falsepositives":         {Exclude, Exact},
	"eicar.com":                 {Exclude, Exact},
	"mozilla-CA":                {Exclude, Exact},

	// Addresses that serve everybody.
	"rfc1918":                  {Exclude, Exact},
	"rfc3849":                  {Exclude, Exact},
	"rfc5735":                  {Exclude, Exact},
	"rfc6598":                  {Exclude, Exact},
	"multicast":                {Exclude, Exact},
	"ipv6-linklocal":           {Exclude, Exact},
	"crl-ip":                   {Exclude, Exact},
	"wikimedia":                {Exclude, Exact},
	"apple":                    {Exclude, Exact},
	"googlebot":                {Exclude, Exact},
	"microsoft-office365-ip":   {Exclude, Exact},
	"microsoft-office365-cn":   {Exclude, Exact},
	"google-gmail-sending-ips": {Exclude, Exact},
	"umbrella-blockpage-v4":    {Exclude, Exact},
	"umbrella-blockpage-v6":    {Exclude, Exact},
	"openai-gptbot":            {Exclude, Exact},
	"telegram-ips":             {Demote, Exact},
	"smtp-receiving-ips":       {Exclude, Exact},
	"smtp-sending-ips":         {Demote, Exact},

	// Open resolvers: few are services, most are boxes that somebody forgot, and that attackers use.
	"public-dns-v4": {Annotate, Exact},
	"public-dns-v6": {Annotate, Exact},

	// Addresses behind which many sites stand.
	"cloudflare": {Demote, Exact},
	"fastly":     {Demote, Exact},
	"akamai":     {Demote, Exact},
	"stackpath":  {Demote, Exact},
	"bunny-net":  {Demote, Exact},
	"zscaler":    {Demote, Exact},

	"microsoft-attack-simulator": {Exclude, Under},
}

// Default returns what a list of MISP's, by the name of its folder, does if nobody chose otherwise. A list that is not
// known marks and does no more.
func Default(name string) (Policy, Scope) {
	if c, ok := chosen[name]; ok {
		return c.policy, c.scope
	}
	switch {
	case strings.HasSuffix(name, "-scanning"), strings.HasSuffix(name, "-scanner"), name == "shadowserver", name == "palo-alto-networks-cortex-xpanse",
		name == "umich-cse-connection-attempts":
		return Demote, Exact // they scan everybody, and who is scanned is not attacked
	}
	return Annotate, Exact
}
