package profile

// Title returns the title that [Fold] gives the profile of these members,
// without the rest of the work.
func Title(members []Member, w World) string {
	f := newFolder("", members, w)
	f.titleAndKind()
	return f.d.Profile.Title
}
