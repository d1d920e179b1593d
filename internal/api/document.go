package api

// A document is an OpenAPI document.
type document struct {
	OpenAPI    string             `json:"openapi"`
	Info       documentInfo       `json:"info"`
	Servers    []documentServer   `json:"servers"`
	Tags       []documentTag      `json:"tags"`
	Paths      object[*pathItem]  `json:"paths"`
	Components documentComponents `json:"components"`
}

type documentInfo struct {
	Title       string `json:"title"`
	Summary     string `json:"summary"`
	Description string `json:"description"`
	Version     string `json:"version"`
	License     struct {
		Name       string `json:"name"`
		Identifier string `json:"identifier"`
	} `json:"license"`
}

type documentServer struct {
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`
}

type documentTag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

type documentComponents struct {
	Schemas         object[*schema]         `json:"schemas"`
	Responses       object[*response]       `json:"responses"`
	Parameters      object[*parameter]      `json:"parameters"`
	Headers         object[*responseHeader] `json:"headers"`
	SecuritySchemes object[securityScheme]  `json:"securitySchemes"`
}

// A pathItem is what one path answers.
type pathItem struct {
	Servers    []documentServer      `json:"servers,omitempty"`
	Parameters []*parameter          `json:"parameters,omitempty"`
	Methods    object[*apiOperation] `json:"-"` // by method in lower case
}

// MarshalJSON writes the methods as members of their own.
func (p *pathItem) MarshalJSON() ([]byte, error) {
	var out object[any]
	if p.Servers != nil {
		out.put("servers", p.Servers)
	}
	if p.Parameters != nil {
		out.put("parameters", p.Parameters)
	}
	for _, m := range p.Methods {
		out.put(m.Name, m.Value)
	}
	return out.MarshalJSON()
}

type apiOperation struct {
	Tags        []string           `json:"tags"`
	ID          string             `json:"operationId"`
	Summary     string             `json:"summary"`
	Description string             `json:"description,omitempty"`
	NotServed   bool               `json:"x-not-served,omitempty"` // answered with 501
	Parameters  []*parameter       `json:"parameters,omitempty"`
	Body        *requestBody       `json:"requestBody,omitempty"`
	Responses   object[*response]  `json:"responses"`
	Security    []object[[]string] `json:"security"` // empty: no token is needed
	Samples     []codeSample       `json:"x-codeSamples,omitempty"`
}

type parameter struct {
	Ref         string         `json:"$ref,omitempty"`
	Name        string         `json:"name,omitempty"`
	In          string         `json:"in,omitempty"`
	Description string         `json:"description,omitempty"`
	Required    bool           `json:"required,omitempty"`
	Style       string         `json:"style,omitempty"`
	Explode     *bool          `json:"explode,omitempty"`
	Schema      *schema        `json:"schema,omitempty"`
	Example     any            `json:"example,omitempty"`
	Examples    object[sample] `json:"examples,omitempty"`
}

type sample struct {
	Summary string `json:"summary,omitempty"`
	Value   any    `json:"value"`
}

type requestBody struct {
	Description string            `json:"description,omitempty"`
	Required    bool              `json:"required"`
	Content     object[mediaType] `json:"content"`
}

type mediaType struct {
	Schema  *schema `json:"schema"`
	Example any     `json:"example,omitempty"`
}

type response struct {
	Ref         string                  `json:"$ref,omitempty"`
	Description string                  `json:"description,omitempty"`
	Headers     object[*responseHeader] `json:"headers,omitempty"`
	Content     object[mediaType]       `json:"content,omitempty"`
}

type responseHeader struct {
	Ref         string  `json:"$ref,omitempty"`
	Description string  `json:"description,omitempty"`
	Schema      *schema `json:"schema,omitempty"`
}

type securityScheme struct {
	Type         string            `json:"type"`
	Description  string            `json:"description,omitempty"`
	Scheme       string            `json:"scheme,omitempty"`
	BearerFormat string            `json:"bearerFormat,omitempty"`
	Flows        object[oauthFlow] `json:"flows,omitempty"`
}

type oauthFlow struct {
	TokenURL string         `json:"tokenUrl"`
	Scopes   object[string] `json:"scopes"`
}

// A codeSample is a request that can be sent as it stands.
type codeSample struct {
	Lang   string `json:"lang"`
	Label  string `json:"label"`
	Source string `json:"source"`
}
