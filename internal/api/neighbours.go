package api

import "strings"

// A neighbour is a collection beside the profiles that is in the model and not
// served.
type neighbour struct {
	name        string
	collections string // navigations to many, separated by spaces
	singles     string // navigations to one
}

// neighbours are the resources of section 4.2 of the contract, but for hosts and
// articles.
var neighbours = []neighbour{
	{"vulnerabilities", "articles components", ""},
	{"sslCertificates", "relatedHosts", ""},
	{"whoisRecords", "history", "host"},
	{"whoisHistoryRecords", "", "host"},
	{"hostComponents", "", "host"},
	{"hostCookies", "", "host"},
	{"hostTrackers", "", "host"},
	{"subdomains", "", "host"},
	{"hostPairs", "", "childHost parentHost"},
	{"hostPorts", "", "host mostRecentSslCertificate"},
	{"hostSslCertificates", "", "host sslCertificate"},
	{"passiveDnsRecords", "", "artifact parentHost"},
}

// register adds the paths of the neighbour, all of which this release answers
// with 501.
func (n neighbour) register(get func(string, handler), under string) {
	path := under + "/" + n.name
	get(path, notServed)
	get(path+"/$count", notServed)
	item := path + "/{}"
	get(item, notServed)
	for name := range strings.FieldsSeq(n.collections) {
		get(item+"/"+name, notServed)
		get(item+"/"+name+"/$count", notServed)
		get(item+"/"+name+"/{}", notServed)
	}
	for name := range strings.FieldsSeq(n.singles) {
		get(item+"/"+name, notServed)
	}
}
