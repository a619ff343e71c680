"""The vocabulary of organisation names: general words and what they mean, in Latin letters.

Languages: Russian, Ukrainian, Persian, Arabic, Turkish, Spanish, French, German, Portuguese,
Italian, Chinese, Korean.

To add a word, append it to the line of its meaning; a new meaning is a new line that begins with
the English word.

- Write words in their normalised form: lower case, Latin letters, no accents
  (`normalisation.normalise`).
- A star at the end marks a stem, which stands for all its endings: `nauchn*` is nauchny, nauchnaya,
  nauchnogo.
- A word belongs to one meaning; of two, the first line counts.
- An indented line continues the line above.
- Add general vocabulary only. A word that is part of somebody's name would make that name a generic
  one. A new word changes scores, so it needs a new version in `config`.
"""

from typing import Final

CONCEPTS: Final[tuple[str, ...]] = tuple(
    """
    company sherkat sharika sharikat kompaniya kompaniia compania compagnie empresa firma gongsi
        unternehmen societa firm
    group grupo groupe gruppa gruppe hopa goruh goruhe gorouh gruppo majmua majmuat jituan
    holding holdings kholding
    corporation korporatsiya korporatsiia corporacion zonggongsi
    enterprise enterprises predpriyatie predpriiatie pidpryiemstvo pidpryemstvo przedsiebiorstvo
        qiye
    association associations asociacion assotsiatsiya associazione verband obedinenie obyedinenie
        obiedinenie xiehui dernek
    union soyuz soiuz ittihad ettehadiye ettihad
    society jamiyat jamia jamiyya jamiat sociedad obshchestvo tovarystvo cemiyet gesellschaft
    foundation bonyad fundacion fondation stiftung fond moassasat muassasat vakif fondazione
        fundacao jijinhui
    fund sandogh sunduq fonds fondo
    institute institut instituto moassese muassasa moasseseh enstitusu yanjiusuo yanjiuyuan
        yuanjiusuo mahad
    research pazhohesh pazhoheshi issledovanie issledovan* issledovatel* doslidn* investigacion
        recherche recherches forschung yanjiu tahghighat tahqiqat buhuth arastirma pesquisa ricerca
    scientific nauchn* naukov* elmi scientifique scientifiques cientifico cientifica
        wissenschaftlich ilmi bilimsel
    science sciences nauka nauk ciencia ciencias olum ulum wissenschaft kexue bilim
    academy akademiya akademiia academia academie akademie akademi xueyuan farhangestan
    university universitet universidad universite universitat universitesi universidade universita
        daneshgah danishgah daxue daehakgyo daehak
    school shkola escuela ecole schule madrasa madrasah madrassa madrese okul
    laboratory lab laboratories laboratorio laboratoire labor laboratoriya shiyanshi azmayeshgah
    center centre centro tsentr zentrum markaz merkez zhongxin tsentral*
    bureau buro byuro biuro daftar
    office ofis bureaux oficina maktab
    design konstruktorsk* proektn* tarrahi
    plant factory zavod fabrika fabrica fabrik karkhaneh karkhane karkhana usine gongchang masna
        fabbrica werk zavody kombinat gongjang factories works
    production proizvodstvo proizvodstvenn* vyrobnych* vyrobnyts* produccion tolid tolidi
        produktsiya shengchan intaj uretim productive
    manufacturing manufacturer manufacture sazi fabricacion zhizao hersteller tasni imalat
    industry industries industrial sanat sanati sanaye sanaie sanayi sanayeh sinaat sinai industria
        industrias industrie industriya promyshlenn* promislov* gongye sanayii saneeyeh sanoat
    complex kompleks mojtama mojtame complejo
    trading trade tejarat tejari tijara tijarat tijariya tijari bazargani torgov* torhov* comercio
        commercial ticaret maoyi handel commercio commerce comercial comercializadora tojari handels
        torgovlya kommerchesk* muyeok
    export eksport exportacion saderat saderati ihracat exportadora tasdir
    import importacion varedat ithalat importadora istirad
    foreign vneshn* inostrann* zovnishn* extranjero etranger khareji duiwai
    service services servis servicio servicios khadamat khadamati hizmetleri dienst uslugi fuwu
        servizi hizmet
    transport transportation transportes transporte perevozki transportn* naqliyat nakliyat nakliye
        hamlonaghl naql haml yunshu verkehr trasporti tarabari
    shipping keshtirani kashtirani navigation sudokhodstvo sudokhidstvo naviera haiyun parokhodstvo
        denizcilik reederei schifffahrt milaha
    shipbuilding sudostroenie sudostroitel* sudnobudivn* keshtisazi chuanbo zaochuan joseon
    shipyard verf tersane astillero chantier naval werft
    marine maritime morsk* morskoi daryai bahri deniz maritimo maritima haiyang
    river rechn* richkov*
    port bandar puerto porto hafen liman gangkou
    railway railways zheleznodorozhn* ferrocarril chemin rahahan tielu
    road roads dorozhn*
    oil petroleum naft nafti neft petroleo petrole neftyan* naftov* shiyou petrol petrolifera seogyu
    petrochemical petrochemicals petroshimi petrokimya neftekhim neftekhimicheskii neftekhimichesk*
        petroquimica shihua
    refinery refining palayeshgah palayesh neftepererabatyvaiushchii neftepererabatyvayushchiy
        misfat refineria rafineri raffinerie pererabotka
    gas gaz gazov* ghaz tianranqi
    energy energiya energia enerji energie energetik* energo nengyuan niru taqa
    electric electricity elektrichesk* elektro electrico electrica electrique bargh kahraba elektrik
        dianqi dianli electrical
    nuclear atomic iadern* yadern* atomn* hastei hastehi nuklear atomique nawawi nukleer hedong
    coal ugoln* uhol kohle zoghal meitan komur
    steel foulad fulad stal staln* acero acier stahl celik acciaio gangtie
    iron zheleznorud* ahan hierro eisen demir
    metal metals metallurg* metalurgiya felezat metales metaux jinshu maden
    metallurgy metallurgiya metallurgiia yejin
    aluminium aluminum aluminii alyuminii aluminio luye
    copper medn* cobre cuivre kupfer bakir
    gold zoloto zolotodobyvaiushchii oro altin huangjin zolot*
    mining mines mineral gornodobyvaiushchii gornodobyvayushchiy gorn* minera mineria maadan maden
        bergbau kuangye madani madankari
    cement siman tsement tsementn* cemento ciment zement cimento shuini
    glass shisheh steklo steklov* vidrio verre cam boli
    wood timber choob chub lesopromyshlenn* madera bois holz ahsap mucai
    paper kaghaz bumaga bumazhn* papel kagit
    leather charm kozha
    textile textiles nassaji tekstil tekstiln* fangzhi
    rubber lastik kauchuk rezina tire tires shina shinn*
    plastic plastics plastik plastmass suliao
    chemical chemicals shimi shimiai shimiaei khimichesk* khimichn* quimica quimico chimique chimie
        chemie kimya kimyai kimyevi kimia huagong huaxue hwahak himicheskii kimiya
    pharmaceutical pharmaceuticals pharma darou daru farmatsevtichesk* farmaceutica ilac yiyao
        zhiyao dawai pharmazie pharmacy
    medical medicine pezeshki meditsinsk* medichn* medico medica medicale medicos tibbi yiliao tibb
    health behdasht zdravookhranenie zdorovya salud sante saglik sihha weisheng
    hospital bimarestan bolnitsa klinika mustashfa hastane yiyuan
    food foods ghazai pishchevoi pishchev* alimentos alimentaire gida shipin
    agriculture agricultural keshavarzi selskokhoziaistvenn* selskokhozyaystvenn* agropecuaria
        agricola agricole zirai nongye ziraat agropromyshlenn* agro
    tobacco dokhaniyat dokhaniat tabachn* tabak tabaco tabac tutun yancao tutunovyi
    water vodn* agua eau
    construction building stroi stroy stroitelstvo stroitel* budivel* budivnytstvo construccion
        constructora sakhteman sakhtemani insaat bau jianshe jianzhu omran omrani geonseol
    contracting peymankari podriad
    engineering mohandesi muhandisi mohandesin inzhiniring inzhenern* ingenieria ingenierie
        muhendislik gongcheng ingegneria engenharia handasa engineers
    development tosee tosea tosse tosey razvitie razvitiia razvitiya desarrollo tanmiya
        developpement kalkinma fazhan entwicklung sviluppo
    technology technologies technological tech tekhnologiya tekhnologii tekhnologich* tecnologia
        fanavari fannavari teknoloji technologie tekhnolog* keji jishu technologia
    technical technic technics tekhnichesk* fanni tecnico tecnica technique technisch teknik
    electronics electronic elektronika elektronn* electronica elektronik dianzi elektroniki
        electronique jeonja radioelektron*
    microelectronics mikroelektronika mikroelektron* weidianzi
    semiconductor semiconductors poluprovodnik poluprovodnik* nimehadi halbleiter bandaoti
        semiconductores yariiletken
    optics optical optik optichesk* optiko optica optique guangxue optoelektron* optoelectronic
        optoelectronics guangdian
    laser lasers lazern* lizer jiguang
    radio radiotekhnichesk* radiotekhn*
    communication communications svyaz svyazi svyaz* mukhabarat ertebat ertebatat comunicaciones
        tongxin xinxi iletisim telekommunikatsii telecom telecommunication telecommunications
        telekom dianxin itisalat mokhaberat
    information informatsionn* informatsiya etelaat informacion bilgi xinxi
    computer computing kompyuter vychislitel* rayaneh rayane jisuanji hasub komputer
    software narmafzar narmafzari ruanjian yazilim programmnoe
    system systems sistem sistema sistemy sistemas systeme xitong samaneh nezam
    digital tsifrov* shuzi numerique dijital
    instrument instruments instrumentation pribor pribory priborostroenie priborostroitel* yiqi
        abzar instrumentalnyi
    machine machines machinery mashin* mashinostroenie mashinostroitel* maquinaria makina maschinen
        jixie mashinsazi machinebau maschinenbau
    equipment oborudovanie oborudovaniia tajhizat equipo equipos equipement shebei ekipman muaddat
    tool tools instrumentaln* herramientas werkzeug
    engine engines motor motors dvigatel dvigatel* fadongji motores
    automobile automotive auto avtomobil avtomobiln* khodro khodrosazi otomotiv qiche sayarat
        automovil
    aircraft havapeyma havapeymai hawapaymai samolet samoletostroitel* avions feiji aviones uchak
        taerat
    aviation aviatsiya aviatsionn* avia aviatsii aviacion havacilik havai hangkong hangkongo aviacao
        luftfahrt hawanavardi
    airline airlines aerolineas avialinii aviakompaniya aviakompanii havayollari lineas havapeymaei
        hangkonggongsi
    aerospace havafaza havafazai aviakosmichesk* raketno aeroespacial hangtian kosmichesk* feza
    helicopter helicopters vertolet vertoletn* helikopter charkhbal zhishengji vertolyotnyy
    missile missiles raketa raketn* mushak mushaki misil fuze daodan
    space kosmos faza espace espacial taikong
    weapon weapons arms oruzhie oruzheinyi oruzheyn* aslahe armas silah wuqi silaha
    ammunition munitions boepripas* mohemmat mohemmatsazi municion muhimmat
    military voenn* voyenn* viiskov* nezami militar militaire askari junshi askeri
    defence defense oboronn* oboron* defa defai defensa difa savunma guofang
    army jaish jaysh jeish ejercito artesh armiya armee lujun
    navy naval nirouyedaryai armada marina haijun
    guard guards sepah pasdaran gvardiya guardia garde muhafiz hars
    police militsiya politsiya policia polis nirouyeentezami shurta jingcha
    security amniat amn amniyat bezopasnost bezopasnosti bezpeky seguridad securite sicherheit
        guvenlik anquan
    intelligence razvedka etelaati inteligencia mukhabarat qingbao istihbarat
    ministry ministerstvo ministerio ministere vezarat wizara wizarat bakanligi ministerium
    directorate direktsiya upravlenie upravlinnia direccion direction edare idara mudiriyat
        mudurlugu
    administration administratsiya administracion
    department departament departamento departement daire otdel
    agency agentstvo agencia agence azhans wakala ajansi
    committee komitet comite lajna lajnat komite weiyuanhui comites committees
    commission komissiya comision
    council sovet rada consejo conseil shora shura majlis
    organization organisation sazman tanzim munazzama organizacion organizatsiya orgut zuzhi
        tashkilat tanzeem
    government hokumat dowlat pravitelstvo gobierno gouvernement hukuma hukumet zhengfu
    state dowlati gosudarstvenn* derzhavn* hukumi estatal guoying gosudarstvo devlet
    national melli watani nacional natsionaln* milli nationale guojia
    federal federaln* federalnoe
    general umumi generaln* genel
    central markazi tsentraln* merkezi zhongyang
    people peoples popular narodn* mardom mardomi shaabi shabi popularnyi renmin xalq halk populaire
    united obedinenn* obyedinenn* mottahed muttahid unidos unies birlesik lianhe
    international beynolmelal beinolmelal internacional mezhdunarodn* mizhnarodn* uluslararasi
        dowali dawliya internationale guoji internazionale intl int'l
    world jahani mirovoi alami mundial monde dunya shijie
    first perv* aval avval awal primero primera premier erste birinci diyi
    new jadid nov novyi novaya novoe nuevo nueva nouveau nouvelle neue yeni
    islamic eslami islami islamiya islamiyya islamique islamsk* islamiyah islamia
    holy sacred moghaddas svyataya muqaddas
    revolution enghelab revolyutsiya thawra inqilab devrim
    revolutionary enghelabi revolyutsionn*
    martyr martyrs shahid shuhada shohada
    movement harakat haraka haraka movimiento jonbesh dvizhenie mouvement hareket
    front jabha jabhat jebhe front frente
    party hizb hezb partido partiya parti
    brigade brigades battalion battalions katiba katibat khatiba kataib liwa brigada battalyon
        brigata
    division firqa lashkar
    group jamaat jamaa jamaah jemaah groupement
    armed armado armada arme armee musallah mosallah
    millennium milenio milenium
    islam
    jihad dzhikhad cihad djihad
    support nusrat nosrat nusra nusrah
    supporters ansar helpers
    relief ighatha igatha
    charity charitable khayriyya khayriya kheirieh blagotvoritel*
    humanitarian gumanitarn* insaniya bashardustaneh
    heritage turath
    revival ihya
    bank banco banque banca banka bankasi bankovsk* yinhang eunhaeng bancaire
    credit etebari kreditn* kredit credito
    finance financial finansov* financiera financiere finans jinrong maliye
    exchange sarafi saraf sarrafi hawala birzha sarafee
    insurance bimeh bimah strakhovanie strakhov* seguros sigorta tamin baoxian assurance
        versicherung
    investment investments sarmayegozari sarmayehgozari inversiones investitsii investitsionn*
        inversion yatirim investissement touzi istithmar invest
    capital sarmaye kapital
    leasing lizing
    logistics logistik logistika lojistik wuliu logistico logistica
    cargo freight gruz gruzov* barbari
    supply supplies tadarokat snabzhenie suministros tedarik gongying tamin
    store stores supermarket supertiendas tiendas almacen almacenes magazin
    market bazar bazaar rynok mercado pazar
    hotel hotels gostinitsa otel hoteles
    tourism tourist siyahat turizm turismo gardeshgari luyou
    media resane smi medios
    press matbuat pechat imprensa
    publishing izdatelstvo izdatel* entesharat yayincilik
    television televidenie televizion tv seda sima
    broadcasting veshchanie pakhsh
    film kino cinema sinema kinostudiya
    education obrazovanie obrazovatel* amouzesh amuzesh parvaresh educacion egitim tarbiya jiaoyu
    sport sports sportivn* varzesh varzeshi riyada spor
    culture cultural farhang farhangi kultura kulturn* thaqafa kultur
    student students daneshjouyan danishjuyan
    war voina harb
    east eastern sharq shargh sharghi vostok vostochn* oriente
    west western gharb gharbi zapad zapadn* occidente xifang
    north northern shomal shamal shomali sever severn* norte kuzey
    south southern jonub janub jonubi yug yuzhn*
    land bilad
    brothers hermanos bratya baradaran ikhwan freres
    sons hijos pesaran abna fils
    exploration ekteshaf razvedochn* kavosh exploracion
    drilling haffari burovaya burenie burov*
    pipeline pipelines truboprovod khatlouleh
    pipe pipes tube tubes truba trubn* louleh tuberias
    cable cables kabel kabeln* kablo
    physics fizika fizik fizichesk* fizicheskikh wuli
    chemistry khimiya himii
    mathematics matematika
    materials material materialy mavad cailiao materiales materialov
    composite composites kompozit kompozitn* kompozitsionn*
    measurement measurements metrology izmeritel* metrologiya jiliang
    testing test ispytatel* ispytaniya azmayesh
    control upravleniya kontrol kontrol* kongzhi
    automation automatic avtomatika avtomatizatsiya avtomatichesk* zidonghua otomasyon
    special spetsialn* spets vizhe
    advanced pishrafte pishrafteh xianjin peredov*
    precision tochn* jingmi daghigh
    heavy tyazhel* tyazhyol* sangin zhonggong
    aid emdad imdad pomoshch ayuda
    experimental opytn* eksperimentaln* tajrobi
    china chinese zhongguo kitai kitaisk* chine
    iran iranian irani iranskii iranien
    russia russian rossiya rossii rossiiskii rossiisk* rossiysk* rusia rusya eluosi ruskiy russk*
    iraq iraqi irak iraqiya iraki
    syria syrian suriya souriya siria syrie sirii suri
    libya libyan libiya
    egypt egyptian misr misri egipto
    lebanon lebanese lubnan libano liban
    korea korean choson joseon koreya
    cuba cubana cuban
    palestine palestinian filastin palestina falastin
    belarus belarusian belorussk* belorussiya belarusk*
    ukraine ukrainian ukraina ukrainsk*
    crimea crimean krym krymsk*
    moscow moskva moskvy moskovsk*
    petersburg peterburg peterburgsk*
    arab arabian arabic arabi arabiya
    azerbaijan azarbayjan azarbaijan
    turkey turkish turkiye turk
    turkistan turkestan
    """.replace("\n        ", " ")
    .strip()
    .splitlines()
)
