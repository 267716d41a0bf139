"""Tables of places: countries, states of the USA, rivers, mountains. One row a line, cells apart by "|"."""

from __future__ import annotations

COUNTRIES = (
    ("The capital of {0} is {1}.", "{0} lies in {2}; people pay there with the {3}."),
    """
Afghanistan|Kabul|Asia|afghani
Albania|Tirana|Europe|lek
Algeria|Algiers|Africa|Algerian dinar
Andorra|Andorra la Vella|Europe|euro
Angola|Luanda|Africa|kwanza
Argentina|Buenos Aires|South America|Argentine peso
Armenia|Yerevan|Asia|dram
Australia|Canberra|Oceania|Australian dollar
Austria|Vienna|Europe|euro
Azerbaijan|Baku|Asia|manat
Bahrain|Manama|Asia|Bahraini dinar
Bangladesh|Dhaka|Asia|taka
Barbados|Bridgetown|the Caribbean|Barbadian dollar
Belarus|Minsk|Europe|Belarusian ruble
Belgium|Brussels|Europe|euro
Belize|Belmopan|Central America|Belize dollar
Bhutan|Thimphu|Asia|ngultrum
Bosnia and Herzegovina|Sarajevo|Europe|convertible mark
Botswana|Gaborone|Africa|pula
Brazil|Brasília|South America|real
Burkina Faso|Ouagadougou|Africa|CFA franc
Cambodia|Phnom Penh|Asia|riel
Cameroon|Yaoundé|Africa|CFA franc
Canada|Ottawa|North America|Canadian dollar
Chad|N'Djamena|Africa|CFA franc
Chile|Santiago|South America|Chilean peso
China|Beijing|Asia|renminbi
Colombia|Bogotá|South America|Colombian peso
Costa Rica|San José|Central America|colón
Croatia|Zagreb|Europe|euro
Cuba|Havana|the Caribbean|Cuban peso
Cyprus|Nicosia|the Mediterranean|euro
Czechia|Prague|Europe|koruna
Denmark|Copenhagen|Europe|Danish krone
Djibouti|Djibouti City|Africa|Djiboutian franc
Dominica|Roseau|the Caribbean|East Caribbean dollar
Ecuador|Quito|South America|US dollar
Egypt|Cairo|Africa|Egyptian pound
El Salvador|San Salvador|Central America|US dollar
Eritrea|Asmara|Africa|nakfa
Estonia|Tallinn|Europe|euro
Ethiopia|Addis Ababa|Africa|birr
Fiji|Suva|Oceania|Fijian dollar
Finland|Helsinki|Europe|euro
France|Paris|Europe|euro
Gabon|Libreville|Africa|CFA franc
Georgia|Tbilisi|the Caucasus|lari
Germany|Berlin|Europe|euro
Ghana|Accra|Africa|cedi
Greece|Athens|Europe|euro
Guatemala|Guatemala City|Central America|quetzal
Guyana|Georgetown|South America|Guyanese dollar
Haiti|Port-au-Prince|the Caribbean|gourde
Honduras|Tegucigalpa|Central America|lempira
Hungary|Budapest|Europe|forint
Iceland|Reykjavík|Europe|Icelandic króna
Iran|Tehran|Asia|rial
Iraq|Baghdad|Asia|Iraqi dinar
Ireland|Dublin|Europe|euro
Italy|Rome|Europe|euro
Jamaica|Kingston|the Caribbean|Jamaican dollar
Japan|Tokyo|Asia|yen
Jordan|Amman|Asia|Jordanian dinar
Kazakhstan|Astana|Asia|tenge
Kenya|Nairobi|Africa|Kenyan shilling
Kuwait|Kuwait City|Asia|Kuwaiti dinar
Kyrgyzstan|Bishkek|Asia|som
Laos|Vientiane|Asia|kip
Latvia|Riga|Europe|euro
Lebanon|Beirut|Asia|Lebanese pound
Lesotho|Maseru|Africa|loti
Liberia|Monrovia|Africa|Liberian dollar
Libya|Tripoli|Africa|Libyan dinar
Liechtenstein|Vaduz|Europe|Swiss franc
Lithuania|Vilnius|Europe|euro
Luxembourg|Luxembourg City|Europe|euro
Madagascar|Antananarivo|Africa|ariary
Malawi|Lilongwe|Africa|Malawian kwacha
Malaysia|Kuala Lumpur|Asia|ringgit
Maldives|Malé|Asia|rufiyaa
Mali|Bamako|Africa|CFA franc
Malta|Valletta|Europe|euro
Mauritania|Nouakchott|Africa|ouguiya
Mexico|Mexico City|North America|Mexican peso
Moldova|Chișinău|Europe|Moldovan leu
Mongolia|Ulaanbaatar|Asia|tögrög
Montenegro|Podgorica|Europe|euro
Morocco|Rabat|Africa|Moroccan dirham
Mozambique|Maputo|Africa|metical
Namibia|Windhoek|Africa|Namibian dollar
Nepal|Kathmandu|Asia|Nepalese rupee
New Zealand|Wellington|Oceania|New Zealand dollar
Nicaragua|Managua|Central America|córdoba
Niger|Niamey|Africa|CFA franc
Nigeria|Abuja|Africa|naira
Norway|Oslo|Europe|Norwegian krone
Oman|Muscat|Asia|Omani rial
Pakistan|Islamabad|Asia|Pakistani rupee
Panama|Panama City|Central America|balboa
Paraguay|Asunción|South America|guaraní
Peru|Lima|South America|sol
Poland|Warsaw|Europe|złoty
Portugal|Lisbon|Europe|euro
Qatar|Doha|Asia|Qatari riyal
Romania|Bucharest|Europe|Romanian leu
Russia|Moscow|Europe and Asia|Russian ruble
Rwanda|Kigali|Africa|Rwandan franc
Samoa|Apia|Oceania|tālā
Saudi Arabia|Riyadh|Asia|Saudi riyal
Senegal|Dakar|Africa|CFA franc
Serbia|Belgrade|Europe|Serbian dinar
Slovakia|Bratislava|Europe|euro
Slovenia|Ljubljana|Europe|euro
Somalia|Mogadishu|Africa|Somali shilling
South Korea|Seoul|Asia|won
Sudan|Khartoum|Africa|Sudanese pound
Suriname|Paramaribo|South America|Surinamese dollar
Sweden|Stockholm|Europe|krona
Syria|Damascus|Asia|Syrian pound
Tajikistan|Dushanbe|Asia|somoni
Thailand|Bangkok|Asia|baht
Tonga|Nukuʻalofa|Oceania|paʻanga
Tunisia|Tunis|Africa|Tunisian dinar
Turkey|Ankara|Asia and Europe|lira
Turkmenistan|Ashgabat|Asia|Turkmen manat
Uganda|Kampala|Africa|Ugandan shilling
Ukraine|Kyiv|Europe|hryvnia
Uruguay|Montevideo|South America|Uruguayan peso
Uzbekistan|Tashkent|Asia|soʻm
Vanuatu|Port Vila|Oceania|vatu
Venezuela|Caracas|South America|bolívar
Vietnam|Hanoi|Asia|đồng
Zambia|Lusaka|Africa|Zambian kwacha
""",
)

STATES = (
    (
        "{1} is the capital city of {0}, a state of the USA.",
        "{0} joined the Union as a state in {2}.",
        "On mail {0} is abbreviated {3}.",
    ),
    """
Alabama|Montgomery|1819|AL
Alaska|Juneau|1959|AK
Arizona|Phoenix|1912|AZ
Arkansas|Little Rock|1836|AR
California|Sacramento|1850|CA
Colorado|Denver|1876|CO
Connecticut|Hartford|1788|CT
Delaware|Dover|1787|DE
Florida|Tallahassee|1845|FL
Georgia|Atlanta|1788|GA
Hawaii|Honolulu|1959|HI
Idaho|Boise|1890|ID
Illinois|Springfield|1818|IL
Indiana|Indianapolis|1816|IN
Iowa|Des Moines|1846|IA
Kansas|Topeka|1861|KS
Kentucky|Frankfort|1792|KY
Louisiana|Baton Rouge|1812|LA
Maine|Augusta|1820|ME
Maryland|Annapolis|1788|MD
Michigan|Lansing|1837|MI
Minnesota|Saint Paul|1858|MN
Mississippi|Jackson|1817|MS
Montana|Helena|1889|MT
Nebraska|Lincoln|1867|NE
Nevada|Carson City|1864|NV
New Hampshire|Concord|1788|NH
New Jersey|Trenton|1787|NJ
New Mexico|Santa Fe|1912|NM
New York|Albany|1788|NY
North Carolina|Raleigh|1789|NC
North Dakota|Bismarck|1889|ND
Ohio|Columbus|1803|OH
Oklahoma|Oklahoma City|1907|OK
Oregon|Salem|1859|OR
Pennsylvania|Harrisburg|1787|PA
Rhode Island|Providence|1790|RI
South Carolina|Columbia|1788|SC
South Dakota|Pierre|1889|SD
Tennessee|Nashville|1796|TN
Utah|Salt Lake City|1896|UT
Vermont|Montpelier|1791|VT
West Virginia|Charleston|1863|WV
Wisconsin|Madison|1848|WI
Wyoming|Cheyenne|1890|WY
""",
)

RIVERS = (
    ("The {0} is a river that ends in {1}.", "The river {0} passes the city of {2}."),
    """
Danube|the Black Sea|Vienna
Rhine|the North Sea|Basel
Thames|the North Sea|London
Seine|the English Channel|Paris
Loire|the Atlantic|Nantes
Rhône|the Mediterranean|Lyon
Tagus|the Atlantic|Lisbon
Ebro|the Mediterranean|Zaragoza
Tiber|the Tyrrhenian Sea|Rome
Po|the Adriatic Sea|Turin
Elbe|the North Sea|Hamburg
Oder|the Baltic Sea|Wrocław
Vistula|the Baltic Sea|Warsaw
Dnieper|the Black Sea|Kyiv
Volga|the Caspian Sea|Kazan
Don|the Sea of Azov|Rostov
Nile|the Mediterranean|Cairo
Niger|the Gulf of Guinea|Bamako
Congo|the Atlantic|Kinshasa
Amazon|the Atlantic|Manaus
Orinoco|the Atlantic|Ciudad Bolívar
Mississippi|the Gulf of Mexico|New Orleans
Hudson|New York Bay|Albany
Potomac|Chesapeake Bay|Washington, D.C.
Saint Lawrence|the Gulf of Saint Lawrence|Montreal
Mekong|the South China Sea|Phnom Penh
Irrawaddy|the Andaman Sea|Mandalay
Tigris|the Shatt al-Arab|Baghdad
Amur|the Sea of Okhotsk|Khabarovsk
Ob|the Kara Sea|Novosibirsk
""",
)

MOUNTAINS = (
    ("The mountain {0}, in {2}, is {1} metres high.",),
    """
Mont Blanc|about 4,806|the Alps
Matterhorn|4,478|the Alps
Kilimanjaro|5,895|Tanzania
Mount Kenya|5,199|Kenya
Aconcagua|6,961|Argentina
Denali|6,190|Alaska
Mount Logan|5,959|Canada
Mount Elbrus|5,642|the Caucasus
Ararat|5,137|Turkey
Mount Fuji|3,776|Japan
Mount Etna|about 3,350|Sicily
Olympus|2,917|Greece
Ben Nevis|1,345|Scotland
Snowdon|1,085|Wales
Zugspitze|2,962|Germany
Großglockner|3,798|Austria
Teide|3,715|Tenerife
Mulhacén|3,479|Spain
Galdhøpiggen|2,469|Norway
Mauna Kea|4,207|Hawaii
Mount Whitney|4,421|the Sierra Nevada
Pikes Peak|4,302|Colorado
Popocatépetl|about 5,400|Mexico
Chimborazo|6,263|Ecuador
K2|8,611|the Karakoram
Kangchenjunga|8,586|the Himalayas
Annapurna|8,091|Nepal
Nanga Parbat|8,126|the Himalayas
Mount Cook|3,724|New Zealand
Kosciuszko|2,228|Australia
""",
)
