// Package odata reads what a client writes in a URL: resource paths and query options of OData 4.0,
// as Microsoft Graph uses them, checked against a table of types that the caller gives.
//
// Start with [ParseQuery], which turns a raw query string into a [Query], and with [ParsePath].
// The table is made of [Type], [Property] and [Enum]; [WriteMetadata] prints the same table as CSDL.
//
// A filter is a tree of [Expr] nodes: [Compare], [In], [And], [Or], [Not], [Call], [Lambda], [Path] and [Literal].
// The tree is fully typed: paths hold the declared properties, literals have the type they are compared with, and
// what depends on no property has been computed. So whoever translates it meets no type error, and every comparison has a
// path or a function of a path on at least one side. [Eval] gives it its meaning in memory.
//
// Every mistake of the client is an [*Error] that says where it is. Positions count code points from 1 in the decoded text
// of the option.
//
// Names of properties, functions, operators, options and enum members match in any case; names of types exactly.
// All functions are safe for concurrent use; trees and tables are not changed after they were made.
package odata
