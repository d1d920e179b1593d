package export

// hostsFormat is a hosts file (hosts(5)): the name leads nowhere, over IPv4 and
// IPv6. Hosts files match exact names only. What follows # is a comment.
var hostsFormat = &Format{
	Name: "hosts", About: "hosts file that leads names nowhere", MediaType: plainText, Extension: ".hosts", Kinds: domainKinds,
	begin: func(out *output, o *Options) encoder {
		out.str("# ", ascii(o.Title, 100, plain), ": names that lead nowhere\n")
		return encode{each: func(i *Indicator) error {
			name := i.Observable.Value
			if !plainName(name) {
				return notPlain
			}
			comment := " # " + i.comment() + "\n"
			out.str("0.0.0.0 ", name, comment, ":: ", name, comment)
			return nil
		}}
	},
}
