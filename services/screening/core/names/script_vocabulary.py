"""The vocabulary of organisation names in Arabic, Persian and Chinese letters.

Two kinds of tables:

- CONCEPTS translate a name for the comparison by meaning (`translated_names`). A line is one
  meaning: the English word, then the words that mean it.
- TRANSLATED tables replace business words when a name is transliterated (`scripts`), because lists
  publish their translation and not their sound.

To add a word, append it to its table. Write Arabic and Persian without article and without vowel
marks. Do not add a word that is part of a person's name. A new word changes scores, so it needs a
new version in `config`.
"""

from collections.abc import Mapping
from typing import Final

ARABIC_CONCEPTS: Final[tuple[str, ...]] = tuple(
    """
    company شركة شركه شرکت
    group مجموعة مجموعه گروه جماعة جماعه
    corporation كورپوريشن
    foundation مؤسسة مؤسسه بنياد وقف
    institute موسسه معهد انستيتو
    association اتحاد اتحاديه انجمن رابطة
    society جمعية جمعيه
    organization منظمة منظمه سازمان تنظيم
    ministry وزارة وزارت
    council مجلس شوراي شورى
    committee لجنة لجنه كميته
    army جيش ارتش
    guard حرس سپاه پاسداران
    forces قوات نيروي نيروهاي
    armed مسلح مسلحة مسلحه
    battalion كتيبة كتيبه كتائب گردان
    brigade لواء الويه
    movement حركة حركه جنبش
    front جبهة جبهه
    party حزب
    jihad جهاد
    islamic اسلامي اسلامية اسلاميه
    muslims مسلمين مسلمون
    egyptian مصري مصرية مصريه
    libyan ليبي ليبية ليبيه
    iraqi عراقي عراقية
    iraq عراق
    syrian سوري سورية سوريه
    syria سوريا
    palestine فلسطين
    palestinian فلسطيني فلسطينية
    iran ايران ايراني
    maghreb مغرب
    land بلاد
    state دولة دولت
    province ولاية
    national وطني وطنية وطنيه ملي قومي قومية
    international دولي دولية دوليه عالمي عالمية بينالمللي
    general عام عامة
    central مركزي مركزية
    arab عربي عربية عربيه
    fighting مقاتلة مقاتله
    support نصرة نصره
    supporters انصار
    heritage تراث
    revival احياء
    charity خيري خيرية خيريه
    relief اغاثة اغاثه
    office مكتب دفتر
    center مركز
    bank بنك بانك مصرف
    exchange صرافي صرافة صرافه
    trading تجارة تجاره تجاري تجارية تجارت بازرگاني
    industry صناعة صناعي صناعية صناعات صنعت صنعتي صنايع
    oil نفط نفت نفتي نفطية
    gas غاز گاز
    petrochemical پتروشيمي بتروكيماويات
    chemical شيميايي كيماوية كيمياوية
    steel فولاد صلب
    cement سيمان اسمنت
    mining معدن معادن معدني
    transport نقل نقليات حمل
    shipping كشتيراني ملاحة
    port ميناء بندر
    aviation طيران هوايي
    aircraft هواپيما هواپيمايي هواپيماسازي
    university جامعة جامعه دانشگاه
    research بحوث ابحاث پژوهش پژوهشي پژوهشگاه تحقيقات تحقيقاتي
    scientific علمي علمية
    science علوم
    engineering مهندسي هندسة هندسية
    development توسعه تنمية
    investment سرمايهگذاري استثمار
    insurance بيمه تامين تأمين
    construction ساختمان ساختماني بناء انشاءات عمران
    technology فناوري تكنولوجيا تقنية
    electronics الكترونيك الكترونيات
    energy انرژي طاقة نيرو
    electric برق كهرباء
    nuclear هسته نووي نووية اتمي ذرية
    defence دفاع دفاعي
    military نظامي عسكري عسكرية
    security امن امنيت
    service خدمات
    production توليد توليدي انتاج
    plant كارخانه مصنع كارخانجات
    north شمال شمالي
    south جنوب جنوبي
    east شرق شرقي
    west غرب غربي
    tobacco دخانيات تبغ
    pharmaceutical داروسازي دارويي ادوية
    islam اسلام
    in في
    and و
    """.strip().splitlines()
)
"""Words of Arabic and Persian organisations, without article."""

CHINESE_CONCEPTS: Final[tuple[str, ...]] = tuple(
    """
    company 公司 会社
    corporation 总公司
    group 集团
    limited 有限 股份 责任 株式
    branch 分公司
    university 大学
    college 学院
    academy 科学院
    research 研究
    institute 研究所 研究院 所
    design 设计
    laboratory 实验室
    center 中心
    science 科学
    technology 科技 技术
    electronics 电子
    microelectronics 微电子
    semiconductor 半导体
    integrated 集成
    circuit 电路
    optics 光学
    optoelectronics 光电
    laser 激光
    electric 电气 电力
    information 信息
    communication 通信 通讯
    network 网络
    intelligent 智能
    computer 计算机 电脑
    software 软件
    system 系统
    data 数据
    international 国际
    trading 贸易 商贸 经贸
    import 进口
    export 出口
    industry 工业 实业 产业
    engineering 工程
    machinery 机械 机电
    equipment 设备 装备
    instrument 仪器 仪表
    precision 精密
    aviation 航空
    aerospace 航天
    space 空间
    shipbuilding 船舶 造船
    shipping 海运 航运 船务 轮船
    marine 海洋
    logistics 物流
    transport 运输
    heavy 重工
    energy 能源
    nuclear 核 原子能
    petroleum 石油
    petrochemical 石化
    gas 天然气
    chemical 化工 化学
    materials 材料
    metal 金属
    steel 钢铁
    mining 矿业
    pharmaceutical 制药 医药
    medical 医疗
    automobile 汽车
    construction 建设 建筑
    investment 投资
    holding 控股
    bank 银行
    insurance 保险
    finance 金融
    service 服务
    development 发展 开发
    manufacturing 制造
    plant 工厂 厂
    defence 国防
    security 安全
    police 公安
    bureau 局
    ministry 部
    consulting 咨询
    culture 文化
    physics 物理
    testing 测试
    automation 自动化
    robot 机器人
    satellite 卫星
    remote 遥感
    national 国家
    china 中国 中华
    beijing 北京
    shanghai 上海
    shenzhen 深圳
    guangzhou 广州
    hong-kong 香港
    nanjing 南京
    xian 西安
    chengdu 成都
    wuhan 武汉
    harbin 哈尔滨
    tianjin 天津
    hefei 合肥
    changsha 长沙
    shenyang 沈阳
    dalian 大连
    hangzhou 杭州
    suzhou 苏州
    chang 长
    chongqing 重庆
    """.strip().splitlines()
)
"""Words of Chinese organisations, in simplified characters. A hyphen joins two English words."""

TRANSLATED_TERMS: Final[tuple[tuple[str, str], ...]] = (
    # Chinese and Japanese. They are replaced in this order: put a word before the words that it
    # contains.
    ("股份有限公司", "co ltd"), ("有限责任公司", "co ltd"), ("有限公司", "co ltd"),
    ("股份公司", "co ltd"), ("株式会社", "co ltd"), ("总公司", "corporation"), ("分公司", "branch"),
    ("公司", "company"), ("集团", "group"), ("大学", "university"), ("学院", "institute"),
    ("研究院", "research institute"), ("研究所", "research institute"), ("实验室", "laboratory"),
    ("科学", "science"), ("科技", "technology"), ("技术", "technology"), ("电子", "electronics"),
    ("电气", "electric"), ("信息", "information"), ("通信", "communication"),
    ("通讯", "communication"), ("国际", "international"), ("贸易", "trading"),
    ("进出口", "import export"), ("实业", "industrial"), ("工业", "industry"),
    ("工程", "engineering"), ("机械", "machinery"), ("设备", "equipment"), ("航空", "aviation"),
    ("航天", "aerospace"), ("船舶", "shipbuilding"), ("重工", "heavy industry"), ("能源", "energy"),
    ("石油", "petroleum"), ("化工", "chemical"), ("材料", "materials"), ("投资", "investment"),
    ("控股", "holding"), ("银行", "bank"), ("物流", "logistics"), ("中国", "china"),
    ("北京", "beijing"), ("上海", "shanghai"), ("深圳", "shenzhen"), ("广州", "guangzhou"),
    ("香港", "hong kong"), ("智能", "intelligent"), ("软件", "software"), ("系统", "systems"),
    # Arabic and Persian.
    ("شركة", "company"), ("شرکت", "company"), ("مؤسسة", "foundation"), ("موسسه", "institute"),
    ("بنك", "bank"), ("بانک", "bank"), ("جامعة", "university"), ("دانشگاه", "university"),
    ("مجموعة", "group"), ("گروه", "group"), ("للتجارة", "trading"), ("التجارية", "trading"),
    ("بازرگانی", "trading"), ("صنایع", "industries"), ("للصناعات", "industries"),
    ("المحدودة", "ltd"), ("الدولية", "international"), ("بین المللی", "international"),
)  # fmt: skip
"""Parts of organisation names that are replaced wherever they occur."""

TRANSLATED_WORDS: Final[Mapping[str, str]] = {
    foreign: meaning
    for meaning, words in (
        ("group", "جماعة جماعه"), ("society", "جمعية جمعيه"),
        ("organization", "تنظيم منظمة سازمان"), ("movement", "حركة حركه"), ("party", "حزب"),
        ("front", "جبهة جبهه"), ("battalion", "كتيبة كتيبه"), ("brigade", "لواء"), ("army", "جيش"),
        ("exchange", "صرافي صرافة صرافى"), ("islamic", "اسلامية اسلاميه"),
        ("libyan", "ليبية ليبيه"), ("egyptian", "مصرية مصريه"), ("fighting", "مقاتلة مقاتله"),
        ("heritage", "تراث"), ("revival", "احياء"), ("council", "مجلس"), ("committee", "لجنة لجنه"),
        ("international", "دولية دوليه عالمية"), ("general", "عامة"), ("national", "وطنية وطنيه"),
        ("arab", "عربية عربيه"), ("iraqi", "عراقية"), ("syrian", "سورية"),
        ("charity", "خيرية خيريه"), ("company", "شركة شركه شركت"),
        ("foundation", "مؤسسة موسسة موسسه"), ("office", "مكتب"), ("service", "خدمات"),
        ("trading", "تجارية تجارت بازرگاني"), ("industry", "صناعية صنعتي صنايع"),
        ("oil", "نفط نفت"), ("petrochemical", "پتروشيمي"), ("transport", "نقل"),
        ("shipping", "كشتيراني"), ("university", "جامعة دانشگاه"),
        ("research", "بحوث پژوهش پژوهشي تحقيقاتي"), ("center", "مركز"), ("land", "بلاد"),
        ("state", "دولة"), ("province", "ولاية"), ("bank", "بنك بانك"), ("money", "پول"),
        ("engineering", "مهندسي هندسية"), ("development", "توسعه تنمية"),
        ("investment", "سرمايه استثمار"),
    )
    for foreign in words.split()
}  # fmt: skip
"""Whole words of Arabic and Persian organisations, with alefs, ya and kaf of one form. None is part
of a man's name: surnames are masculine adjectives.
"""
