package vocab

// The sectors that have sub-sectors.
const (
	government    = "Government Agencies & Services"
	defense       = "Defense Industry"
	financial     = "Financial Services"
	energy        = "Energy"
	utilities     = "Utilities"
	healthcare    = "Healthcare"
	education     = "Education"
	technology    = "Information Technology"
	telecom       = "Telecommunications"
	manufacturing = "Manufacturing"
	transport     = "Transportation & Logistics"
	media         = "Media & Entertainment"
	retail        = "Retail & Consumer Goods"
	hospitality   = "Hospitality & Travel"
	food          = "Food & Agriculture"
	construction  = "Construction & Real Estate"
	mining        = "Mining & Metals"
	professional  = "Professional Services"
	ngo           = "Non-Government Organization"
	civil         = "Civil Society"
)

var sectors = []sectorRow{
	{Sector{government, ""}, "government|government national|government regional|government public service|governmental|government administration|public sector|public administration|public service|state|government and administration|public institution|public authority|state institution|ministry|government ministry|government agency and service|gov|federal government|central government|national government|government institution|government related|government facility|government employee|civil service|administration|country government|embassy and government"},
	{Sector{government, "Local Government"}, "local government|municipality|municipal|local administration|state and local government|city government|regional government|local authority|municipal government"},
	{Sector{government, "Defense"}, "defense|defence|military|national defense|national defence|army|navy|air force|armed force|ministry of defense|ministry of defence|defense ministry|military and defense|defense and military|government defense|homeland security|national security|military organization"},
	{Sector{government, "Diplomacy"}, "diplomacy|diplomatic|diplomat|embassy|consulate|foreign affair|ministry of foreign affair|ministries of foreign affair|foreign ministry|diplomatic mission|diplomatic entity"},
	{Sector{government, "Intelligence"}, "intelligence|intelligence service|intelligence agency|security service|secret service|intelligence community"},
	{Sector{government, "Law Enforcement"}, "law enforcement|police|police law enforcement|law enforcement agency"},
	{Sector{government, "Justice"}, "justice|judiciary|court|judicial"},
	{Sector{government, "Emergency Services"}, "emergency service|first responder|fire service|ambulance"},
	{Sector{government, "Immigration"}, "immigration"},
	{Sector{government, "Elections & Parliaments"}, "parliament|legislature|election|electoral|legislative|congress"},
	{Sector{defense, ""}, "defense industrial base|dib|defense contractor|defence contractor|defense industry|defence industry|military contractor|military industry|defense industrial|defense company|defense manufacturer|arms manufacturer|cleared defense contractor|military industrial|defense manufacturing|us defense contractor"},
	{Sector{"Aerospace", ""}, "aerospace|aerospace and defense|aeronautic|aeronautical"},
	{Sector{"Aerospace", "Space & Satellites"}, "space|satellite|satellite navigation|satellite communication|geospatial imaging|geospatial"},
	{Sector{financial, ""}, "finance|financial|financial service|financial institution|financial sector|banking and finance|financial organization|fintech|financial technology|finance and banking|economic|trade finance"},
	{Sector{financial, "Banking"}, "bank|banking|central bank|banking institution|credit union|atm|online banking|retail banking"},
	{Sector{financial, "Insurance"}, "insurance|insurer"},
	{Sector{financial, "Payments"}, "payment|payment processor|payment processing|payment card|payment service|payment system|pos|point of sale"},
	{Sector{financial, "Investment"}, "investment|hedge fund|venture capital|private equity|stock exchange|securities|brokerage|trading|asset management|investment bank|investment fund|investor"},
	{Sector{financial, "Cryptocurrency"}, "cryptocurrency|crypto|cryptocurrency exchange|blockchain|virtual currency|cryptocurrency industry|defi|decentralized finance|web3|bitcoin|digital asset|digital currency|cryptocurrency wallet"},
	{Sector{energy, ""}, "energy|power|fuel|energy and utility"},
	{Sector{energy, "Oil & Gas"}, "oil|gas|oil and gas|petroleum|natural gas|gas and oil|oil gas"},
	{Sector{energy, "Electricity"}, "electric|electricity|electrical|electric utility|power grid|electric power|power generation|smart meter|turbine|power plant|electric grid|power distribution|power company"},
	{Sector{energy, "Nuclear"}, "nuclear|nuclear power|nuclear energy|nuclear research|nuclear industry"},
	{Sector{energy, "Renewables"}, "renewable|renewable energy|solar|wind energy"},
	{Sector{utilities, ""}, "utility|public utility"},
	{Sector{utilities, "Water"}, "water|dam|water and wastewater|wastewater|water treatment|water utility|water supply"},
	{Sector{healthcare, ""}, "health|healthcare|health care|medical|hospital|healthcare and public health|medicine|medical service|public health|dental"},
	{Sector{healthcare, "Pharmaceuticals"}, "pharmacy|pharmaceutical|pharma|drug manufacturer|vaccine|vaccine research|covid 19 research|covid 19 vaccine research"},
	{Sector{healthcare, "Life Sciences"}, "biomedical|life science|biotechnology|biotech|bioscience"},
	{Sector{healthcare, "Medical Devices"}, "medical device|medical equipment"},
	{Sector{healthcare, "Veterinary"}, "veterinary"},
	{Sector{education, ""}, "education|educational|school|k 12|educational institution|k 12 school|primary education"},
	{Sector{education, "Higher Education"}, "higher education|academia|university|academic|academia university|academic institution|college|academic sector|academician|scholar|academic researcher"},
	{Sector{education, "Research"}, "research|research innovation|research institute|scientific research|research and development|research institution|research organization|research center|research centre|laboratory|scientific|research laboratory|science|researcher|research and innovation|r and d|scientist"},
	{Sector{technology, ""}, "technology|it|information technology|tech|high tech|high technology|hightech|technological|information and communication technology|ict|computer|technology company|tech company"},
	{Sector{technology, "Software"}, "software|programming|software development|software developer|software company|software vendor|saas|developer|software provider|software engineer|software engineering"},
	{Sector{technology, "Managed Services"}, "managed service provider|msp|it service|managed service|it service provider|outsourcing|it provider|managed it service|it service company|managed it service provider|cloud service provider|cloud|cloud service|cloud provider"},
	{Sector{technology, "Security"}, "it security|cybersecurity|cyber security|information security|security vendor|security company|security actor|security researcher|security firm|security software"},
	{Sector{technology, "Internet Services"}, "internet service|digital service|dns service provider|hosting|web hosting|domain registrar|hosting provider|registrar|data center|data centre|hosting service|internet|dns registrar|dns provider"},
	{Sector{technology, "Data Brokers"}, "data broker|data brokerage"},
	{Sector{technology, "Hackers"}, "it hacker|hacker"},
	{Sector{telecom, ""}, "telecom|telecomm|telecommunication|communication|communication equipment|telco|mobile operator|telephony|telecommunication provider|telephone|mobile network operator|telecoms provider"},
	{Sector{telecom, "Internet Service Providers"}, "it isp|isp|internet service provider"},
	{Sector{manufacturing, ""}, "manufacturing|critical manufacturing|heavy industry|industrial|ics|industrial control system|manufacturer|engineering and manufacturing|machinery|production|industrial equipment|industrial control"},
	{Sector{manufacturing, "Automotive"}, "automotive|automobile|car manufacturer|auto industry|vehicle manufacturer"},
	{Sector{manufacturing, "Semiconductors"}, "semiconductor|semi conductor|chip|chipmaker|semiconductor industry|semiconductor manufacturing"},
	{Sector{manufacturing, "Electronics"}, "electronic|electronics|electronics manufacturer|consumer electronic|electronics manufacturing|electronic manufacturing|electronic manufacturer"},
	{Sector{manufacturing, "Chemicals"}, "chemical|petrochemical|chemistry"},
	{Sector{manufacturing, "Security Systems"}, "security system"},
	{Sector{manufacturing, "Textiles"}, "textile"},
	{Sector{transport, ""}, "transport|transportation|transportation system|transportation and logistic"},
	{Sector{transport, "Aviation"}, "aviation|civil aviation|airline|airport|air transport|civil airline"},
	{Sector{transport, "Maritime"}, "maritime|shipping and maritime|port|naval|shipbuilding|marine|maritime industry|seaport"},
	{Sector{transport, "Rail"}, "rail|railway|railroad|rail transport|train"},
	{Sector{transport, "Logistics"}, "logistic|shipping|freight|postal|courier|shipping and logistic|delivery|package delivery"},
	{Sector{media, ""}, "media|media and entertainment|entertainment|art|culture|streaming service|video sharing|news and entertainment|entertainment and media|music|film"},
	{Sector{media, "News"}, "news media|news|journalism|media outlet|news outlet|news organization|press|newspaper|media organization|media company|news agency"},
	{Sector{media, "Broadcasting"}, "television broadcast|broadcasting|television|broadcaster|tv|radio"},
	{Sector{media, "Games"}, "game|gaming|video game|online gaming|game developer|online game|video gaming|gaming industry|gaming company|game development"},
	{Sector{media, "Social Networks"}, "social network|social media"},
	{Sector{media, "Publishing"}, "publishing industry|publishing|publisher"},
	{Sector{media, "Sports"}, "sport|sporting organization|sport organization|athletics|anti doping|sporting|anti doping agency"},
	{Sector{retail, ""}, "retail|retailer|consumer good|consumer|consumer product|wholesale|retail and consumer good|luxury good|fashion|commerce"},
	{Sector{retail, "E-Commerce"}, "ecommerce|e commerce|online marketplace|online retail|online store|online shop|online retailer|e commerce site"},
	{Sector{hospitality, ""}, "hospitality|travel|tourism|hospitality leisure|travel service|leisure|travel industry|tourist|travel agency|hospitality and leisure"},
	{Sector{hospitality, "Hotels"}, "hotel|lodging"},
	{Sector{hospitality, "Restaurants"}, "restaurant"},
	{Sector{hospitality, "Casinos & Gambling"}, "casino|gambling|gambling company|gambling website|casino gambling|casinos gambling|betting|online gambling|gambling betting|casino and gambling|gambling industry"},
	{Sector{food, ""}, "food|agriculture|food and agriculture|agricultural|food and beverage|farming|agribusiness|food production|beverage|food service|agrifood"},
	{Sector{construction, ""}, "construction|construction company|building"},
	{Sector{construction, "Engineering"}, "engineering|civil engineering|architecture|engineer"},
	{Sector{construction, "Real Estate"}, "real estate|property|property management"},
	{Sector{mining, ""}, "mining|metal|steel|metallurgy|metallurgical|mineral|natural resource|steel industry"},
	{Sector{professional, ""}, "professional service|business service|employment|recruitment|human resource|staffing|professional and consumer service"},
	{Sector{professional, "Legal"}, "legal|lawyer|law firm|law|attorney|legal service"},
	{Sector{professional, "Consulting"}, "consulting|consultancy|consultant|consulting service|business consulting"},
	{Sector{professional, "Accounting & Tax"}, "accounting|tax firm|tax|accountant|accounting firm|audit"},
	{Sector{professional, "Marketing & Advertising"}, "marketing|advertising|public relation|advertisement"},
	{Sector{professional, "Trade"}, "trade|trading company|import export|foreign trade"},
	{Sector{ngo, ""}, "ngo|non governmental organization|nongovernmental organization|non government organization|non profit organisation|non profit organization|non profit|nonprofit|nonprofit organization|charity|charitable|voluntary|not for profit|non governmental organisation|nongovernmental organisation|non governmental|nongovernmental|charitable organization|foundation|non government|non profit making|international ngo|charitable non profit making|non profit entity"},
	{Sector{ngo, "Human Rights"}, "human right|human rights organization|human rights group|pro democracy and human rights political organization|human rights activist|human rights defender|human rights advocate|pro democracy"},
	{Sector{ngo, "Think Tanks"}, "think tank|thinktank|policy institute|policy research"},
	{Sector{ngo, "Humanitarian"}, "humanitarian|humanitarian organization|humanitarian aid|international development|development|aid organization"},
	{Sector{ngo, "Religious Organizations"}, "religious organization|religious organisation|islamic organisation|islamic organization|religious|church|religious institution|islamic forum|religious group"},
	{Sector{ngo, "Environment"}, "environment|environmental|environmental organization"},
	{Sector{civil, ""}, "civil society|civil society organization|civil organization|civil society group"},
	{Sector{civil, "Journalists"}, "journalist|reporter"},
	{Sector{civil, "Activists"}, "activist|activism|internet activist|civil society activist|political activist|minority rights activist|rights activist|pro democracy activist"},
	{Sector{civil, "Dissidents"}, "dissident|opposition|political opposition|separatist|exile|political dissident|opposition group|opposition figure"},
	{Sector{civil, "Political Parties"}, "political party|political|politics|political organization|political campaign|politician|political group|political figure|political entity"},
	{Sector{civil, "Ethnic & Religious Minorities"}, "ethnic minority|minority|uighur|uyghur|tibetan|diaspora|religious minority|uyghur community|tibetan community|minority group"},
	{Sector{civil, "Individuals"}, "citizen|individual|private individual|mobile phone user|consumer user"},
	{Sector{"International Organizations", ""}, "intergovernmental|international organization|intergovernmental organization|international organisation|international body|multilateral organization|supranational organization|intergovernmental organisation"},
	{Sector{"Critical Infrastructure", ""}, "critical infrastructure|infrastructure|digital infrastructure|critical infrastructure sector|critical national infrastructure|national infrastructure"},
	{Sector{"Private Sector", ""}, "private sector|business|commercial|private company|commercial sector|corporate|private organization|enterprise|corporation|commercial entity|commercial organization|small and medium business|smb|private industry|private enterprise"},
}
